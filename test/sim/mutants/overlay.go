package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// overlay writes the changed files and the list of them that go build understands.
func (m mutant) overlay(all functions, dir string) (string, error) {
	replace, err := m.changed(all, dir)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write the list of changed files: %w", err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		return "", fmt.Errorf("write the list of changed files: %w", err)
	}
	return overlay, nil
}

// changed writes the changed files into dir and returns the path of each by that of its original.
func (m mutant) changed(all functions, dir string) (map[string]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for a mutant: %w", err)
	}
	changed, err := all.change(m.edits)
	if err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for file, text := range changed {
		original, err := filepath.Abs(file)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", file, err)
		}
		replace[original] = filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write a changed file: %w", err)
		}
	}
	return replace, nil
}
