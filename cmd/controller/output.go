package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// What a command prints.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// addOutput adds the flag that says what a command prints.
func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", outputTable, "table or json")
	completes(cmd, "output", outputTable, outputJSON)
}

// isOutput reports whether a command can print so.
func isOutput(output string) bool { return output == outputTable || output == outputJSON }

func errOutput(output string) error { return fmt.Errorf("-o is %q: give table or json", output) }

// writeJSON writes a value for programs, and for people who look at it.
func writeJSON(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(value) //nolint:wrapcheck // the caller says what it is
}

// completes tells shells which values a flag takes. It fails only for a flag that the command does not have.
func completes(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
