// Command failpoints makes an overlay for the go command in which the failpoint markers of this module are active.
//
//	go test -overlay="$(go run ./scripts/failpoints)" ./...
//
// It prints the path of the overlay file. In every file that imports github.com/pingcap/failpoint the markers are
// rewritten, by that module's own rewriter, into a copy under .cache/failpoints; the work tree stays as it is, and so does
// every build without the overlay: there the markers are calls of empty functions. Copies are named by their content and
// never changed, so that builds which run at the same moment, and the build cache, cannot mix them up.
//
// A failpoint is named <import path of its package>/<name>, for a main package too. With -list the names are printed instead.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pingcap/failpoint/code"
)

// markerPackage is what a file imports that has failpoints.
const markerPackage = "github.com/pingcap/failpoint"

func main() {
	list := flag.Bool("list", false, "print the names of all failpoints instead")
	flag.Parse()
	// The rewriter prints remarks to standard output, which is for the path.
	stdout := os.Stdout
	os.Stdout = os.Stderr
	if err := run(context.Background(), stdout, *list); err != nil {
		fmt.Fprintln(os.Stderr, "failpoints:", err)
		os.Exit(1)
	}
}

// goPackage is what is read of `go list -json`.
type goPackage struct {
	Dir, ImportPath  string
	GoFiles, Imports []string
}

func run(ctx context.Context, out io.Writer, list bool) error {
	packages, root, err := marked(ctx)
	if err != nil {
		return err
	}
	if list {
		for _, p := range packages {
			if err := printNames(out, p); err != nil {
				return err
			}
		}
		return nil
	}
	folder := filepath.Join(root, ".cache", "failpoints")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder of the copies: %w", err)
	}
	replace := make(map[string]string)
	for _, p := range packages {
		if err := overlay(folder, p, replace); err != nil {
			return fmt.Errorf("package %s: %w", p.ImportPath, err)
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	path, err := store(folder, "overlay.json", text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, path)
	return err
}

// marked returns the packages of the module that have failpoints, and the module's folder.
func marked(ctx context.Context) (packages []goPackage, root string, err error) {
	module, err := goCommand(ctx, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, "", err
	}
	root = string(bytes.TrimSpace(module))
	// -e: a package that does not build yet is the build's business, not ours.
	listed, err := goCommand(ctx, "list", "-e", "-json=Dir,ImportPath,GoFiles,Imports", root+"/...")
	if err != nil {
		return nil, "", err
	}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, root, nil
		} else if err != nil {
			return nil, "", fmt.Errorf("read go list: %w", err)
		}
		if slices.Contains(p.Imports, markerPackage) {
			packages = append(packages, p)
		}
	}
}

func goCommand(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...)
	// The overlay must not be made from an overlay.
	command.Env = append(os.Environ(), "GOFLAGS=")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out, nil
}

// overlay writes rewritten copies of the files of p that have failpoints, and the file that completes their names.
func overlay(folder string, p goPackage, replace map[string]string) error {
	var name string
	for _, file := range p.GoFiles {
		path := filepath.Join(p.Dir, file)
		markers, err := markersOf(path)
		if err != nil {
			return err
		}
		if len(markers) == 0 {
			continue
		}
		var rewritten bytes.Buffer
		rewriter := code.NewRewriter(path)
		rewriter.SetOutput(&rewritten)
		if err := rewriter.RewriteFile(path); err != nil {
			return fmt.Errorf("rewrite %s: %w", path, err)
		}
		name = rewriter.GetCurrentFile().Name.Name
		if left, err := markersIn(path, rewritten.Bytes()); err != nil || len(left) > 0 {
			return fmt.Errorf("the rewriter does not reach %q in %s: move them into a plain statement (%w)", left, path, err)
		}
		if replace[path], err = store(folder, file, rewritten.Bytes()); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	binding := fmt.Sprintf("package %s\n\nfunc %s(name string) string { return %q + name }\n", name, code.ExtendPkgName, p.ImportPath+"/")
	const file = "failpoint_names.go"
	path, err := store(folder, file, []byte(binding))
	replace[filepath.Join(p.Dir, file)] = path
	return err
}

// store writes text under a name made of its content, whole or not at all, and returns the path.
func store(folder, name string, text []byte) (string, error) {
	sum := sha256.Sum256(text)
	path := filepath.Join(folder, hex.EncodeToString(sum[:12])+"-"+name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	unfinished, err := os.CreateTemp(folder, "unfinished-")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	_, err = unfinished.Write(text)
	if err = errors.Join(err, unfinished.Close()); err == nil {
		err = os.Rename(unfinished.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}

func printNames(out io.Writer, p goPackage) error {
	for _, file := range p.GoFiles {
		names, err := markersOf(filepath.Join(p.Dir, file))
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := fmt.Fprintf(out, "%s/%s\n", p.ImportPath, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// markersOf returns the names of the failpoints in a file.
func markersOf(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("look for failpoints: %w", err)
	}
	return markersIn(path, text)
}

func markersIn(path string, text []byte) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("look for failpoints: %w", err)
	}
	var names []string
	ast.Inspect(file, func(node ast.Node) bool {
		call, isCall := node.(*ast.CallExpr)
		if !isCall {
			return true
		}
		function, isSelector := call.Fun.(*ast.SelectorExpr)
		if !isSelector {
			return true
		}
		place := map[string]int{"Inject": 0, "InjectCall": 0, "InjectContext": 1}
		argument, isMarker := place[function.Sel.Name]
		if of, isName := function.X.(*ast.Ident); !isMarker || !isName || of.Name != "failpoint" || len(call.Args) <= argument {
			return true
		}
		if literal, isLiteral := call.Args[argument].(*ast.BasicLit); isLiteral {
			if name, err := strconv.Unquote(literal.Value); err == nil {
				names = append(names, name)
			}
		}
		return true
	})
	return names, nil
}
