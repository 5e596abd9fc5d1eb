package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
)

const exitInterrupted = fault.CodeInterrupted

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = fault.New(fault.CodeInterrupted, fault.KindInterrupted, "", "interrupted")

// streams are the process's standard streams, replaceable in tests.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errorDocument is the "error" member of a JSON result.
type errorDocument struct {
	Code    int        `json:"code"`
	Kind    fault.Kind `json:"kind"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
}

// finish turns a command's end into output and an exit code. A failure of a context that a
// signal ended is the interruption, whatever error it surfaced as.
func finish(ctx context.Context, st streams, asJSON bool, result any, err error) int {
	f := fault.Of(err)
	if f != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		f = errInterrupted
	}
	if asJSON {
		if werr := printJSON(st.out, result, f); werr != nil {
			fmt.Fprintf(st.err, "tripod: write result: %v\n", werr)
			return fault.CodeFailed
		}
	} else if f != nil {
		printFault(st.err, f)
	}
	if f != nil {
		return f.Code
	}
	return 0
}

func printFault(w io.Writer, f *fault.Error) {
	fmt.Fprintf(w, "tripod: %s\n", oneLine(f.Error()))
	if f.Hint != "" {
		fmt.Fprintf(w, "hint: %s\n", f.Hint)
	}
}

// oneLine keeps an error in one line: server messages may carry line feeds.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// printJSON writes exactly one JSON document and a newline: the result with the failure as
// one more member, or the failure alone.
func printJSON(w io.Writer, result any, f *fault.Error) error {
	document := map[string]json.RawMessage{}
	if !absent(result) {
		b, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("encode result: %w", err)
		}
		if err := json.Unmarshal(b, &document); err != nil {
			return fmt.Errorf("encode result: %w", err)
		}
	}
	if f != nil {
		b, err := json.Marshal(errorDocument{Code: f.Code, Kind: f.Kind, Message: oneLine(f.Error()), Hint: f.Hint})
		if err != nil {
			return fmt.Errorf("encode error: %w", err)
		}
		document["error"] = b
	}
	b, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encode document: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// absent tells a missing result, also a typed nil pointer inside the interface.
func absent(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
