// Command oracle answers questions about names, versions, sums, go.mod files and zips with the code the go command
// uses.
//
// It reads a file of JSON lines, each a list of strings: the question and its arguments. It prints one line of
// answer for each, as a JSON string.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/version"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	questions := json.NewDecoder(bufio.NewReader(file))
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	encoder := json.NewEncoder(answers)
	for {
		var question []string
		if err := questions.Decode(&question); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		encoder.Encode(answer(question[0], question[1:]))
	}
}

func answer(question string, args []string) string {
	switch question {
	case "path":
		if module.CheckPath(args[0]) != nil {
			return "no"
		}
		prefix, major, _ := module.SplitPathVersion(args[0])
		escaped, err := module.EscapePath(args[0])
		return fmt.Sprint(prefix, " ", major, " ", escaped, " ", err)
	case "import":
		return yesNo(module.CheckImportPath(args[0]) == nil)
	case "file":
		return yesNo(module.CheckFilePath(args[0]) == nil)
	case "unescape path":
		return orNo(module.UnescapePath(args[0]))
	case "unescape version":
		return orNo(module.UnescapeVersion(args[0]))
	case "escape version":
		return orNo(module.EscapeVersion(args[0]))
	case "version":
		v := args[0]
		return strings.Join([]string{
			yesNo(semver.IsValid(v)), module.CanonicalVersion(v), semver.Major(v), semver.MajorMinor(v),
			semver.Prerelease(v), semver.Build(v), yesNo(module.IsPseudoVersion(v)),
		}, " ")
	case "pseudo":
		base, err := module.PseudoVersionBase(args[0])
		if err != nil {
			base = "no"
		}
		at := "no"
		if t, err := module.PseudoVersionTime(args[0]); err == nil {
			at = t.Format(time.RFC3339)
		}
		return base + " " + at + " " + first(module.PseudoVersionRev(args[0]))
	case "build pseudo":
		return module.PseudoVersion(args[0], args[1], must(time.Parse(time.RFC3339, args[2])), args[3])
	case "compare":
		return fmt.Sprint(semver.Compare(args[0], args[1]))
	case "fits":
		_, major, ok := module.SplitPathVersion(args[0])
		return yesNo(ok && module.CheckPathMajor(args[1], major) == nil)
	case "match":
		for glob := range strings.SplitSeq(args[0], ",") {
			if _, err := path.Match(strings.TrimSuffix(glob, "/"), ""); err != nil {
				return "malformed"
			}
		}
		return yesNo(module.MatchPrefixPatterns(args[0], args[1]))
	case "module path":
		return modfile.ModulePath(bytes(args[0]))
	case "go.mod":
		return goMod(bytes(args[0]), args[1])
	case "sum":
		return sum(args)
	case "write info":
		return writeInfo(args)
	case "read info":
		return readInfo(args[0])
	case "zip":
		return checkZip(module.Version{Path: args[0], Version: args[1]}, bytes(args[2]))
	case "create zip":
		return createZip(module.Version{Path: args[0], Version: args[1]}, args[2:])
	case "tree":
		return checkTree(args[0], args[1:])
	case "folds":
		return folds()
	case "characters":
		return characters()
	}
	panic("unknown question " + question)
}

func goMod(data []byte, v string) string {
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return "no"
	}
	facts := []string{"-", "-", "old", "kept"}
	if file.Module != nil {
		facts[0] = "module " + file.Module.Mod.Path
	}
	if file.Go != nil {
		facts[1] = "go " + file.Go.Version
		if version.Compare("go"+file.Go.Version, "go1.24") >= 0 {
			facts[2] = "new"
		}
	}
	for _, r := range file.Retract {
		facts = append(facts, r.Low+" "+r.High)
		if semver.Compare(r.Low, v) <= 0 && semver.Compare(v, r.High) <= 0 {
			facts[3] = "retracted"
		}
	}
	return strings.Join(facts, "; ")
}

func sum(args []string) string {
	contents := map[string]string{}
	var names []string
	for pair := range slices.Chunk(args, 2) {
		names = append(names, pair[0])
		contents[pair[0]] = pair[1]
	}
	return orNo(dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[name])), nil
	}))
}

// The shape of the go command's own types (modfetch.RevInfo and codehost.Origin).
type info struct {
	Version string
	Time    time.Time
	Origin  *origin `json:",omitempty"`
}

type origin struct {
	VCS    string `json:",omitempty"`
	URL    string `json:",omitempty"`
	Subdir string `json:",omitempty"`
	Hash   string `json:",omitempty"`
	Ref    string `json:",omitempty"`
}

func writeInfo(args []string) string {
	at := must(time.Parse(time.RFC3339Nano, args[1]))
	from := &origin{VCS: args[2], URL: args[3], Subdir: args[4], Hash: args[5], Ref: args[6]}
	return string(must(json.Marshal(info{Version: args[0], Time: at, Origin: from})))
}

func readInfo(text string) string {
	var read info
	if err := json.Unmarshal([]byte(text), &read); err != nil || read.Version == "" || module.CanonicalVersion(read.Version) != read.Version {
		return "no"
	}
	read.Time = read.Time.UTC()
	return string(must(json.Marshal(read)))
}

// For each character: L a letter, P another printable one, O assigned, U not assigned.
func characters() string {
	kinds := make([]byte, unicode.MaxRune+1)
	for r := range kinds {
		switch c := rune(r); {
		case unicode.IsLetter(c):
			kinds[r] = 'L'
		case unicode.IsPrint(c):
			kinds[r] = 'P'
		case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Z, unicode.M, unicode.N, unicode.P, unicode.S):
			kinds[r] = 'O'
		default:
			kinds[r] = 'U'
		}
	}
	return string(kinds)
}

func bytes(text string) []byte {
	return must(base64.StdEncoding.DecodeString(text))
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func orNo(text string, err error) string {
	if err != nil {
		return "no"
	}
	return text
}

func first(text string, _ error) string {
	return text
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
