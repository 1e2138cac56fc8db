package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newTrustCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "trust-engine",
		Short: "Show which engine is remembered and accept the one that answers now",
		Long: `trust-engine shows the engine that is remembered and the one that answers now, and accepts that one after a yes
on the terminal, or with --yes. It is needed after the engine was replaced: containers that another engine does not have
would all look gone. Look at "session-controller plan" afterwards.`,
		Example: `  session-controller trust-engine
  session-controller trust-engine --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.trustEngine(cmd, yes) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "accept without asking")
	return cmd
}

func (a *app) trustEngine(cmd *cobra.Command, yes bool) error {
	ctx := cmd.Context()
	cfg, err := loadConfig(&a.flags, os.Getenv)
	if err != nil {
		return err
	}
	conn, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.close()
	current, remembered := conn.info.Identity(), ""
	ledger, err := conn.store.OpenLedger(ctx, false)
	switch {
	case errors.Is(err, sessiondb.ErrNoLedger):
	case err != nil:
		return err
	default:
		conn.ledger = ledger
		if remembered, err = ledger.RememberedEngine(ctx); err != nil {
			return err
		}
	}
	a.printf("remembered: %s\ncurrent:    %s (%s, Docker %s at %s)\n", plain(remembered), plain(current),
		plain(conn.info.Name), plain(conn.info.Version), conn.engine.Host())
	switch {
	case cfg.Docker.Identity != "" && cfg.Docker.Identity != current:
		return fmt.Errorf("docker.identity pins %s: change it there, it beats what is remembered", cfg.Docker.Identity)
	case remembered == current:
		a.printf("nothing to do\n")
		return nil
	case !yes && !a.confirmed(cmd.InOrStdin()):
		return errors.New("nothing was changed: answer yes on the terminal, or give --yes")
	}
	return a.trust(cmd, conn, current)
}

func (a *app) trust(cmd *cobra.Command, conn *connection, identity string) (err error) {
	unless := ""
	if conn.ledger == nil {
		unless = ", unless it was started before there were tables for this: restart that one"
		if conn.ledger, err = conn.store.OpenLedger(cmd.Context(), true); err != nil {
			return err
		}
	}
	if err := conn.ledger.TrustEngine(cmd.Context(), identity); err != nil {
		return err
	}
	a.printf("accepted; a controller that runs takes it up at its next sweep%s\n", unless)
	return nil
}

// confirmed asks on the terminal; without one the answer is no.
func (a *app) confirmed(in io.Reader) bool {
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return false
	}
	a.printf("Serve the current one from now on? Type yes: ")
	answer, _ := bufio.NewReader(in).ReadString('\n') // no answer is none
	return strings.TrimSpace(answer) == "yes"
}
