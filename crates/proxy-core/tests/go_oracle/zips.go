package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// checkZip does with a zip what the go command does: it checks it, extracts it and works out its sum.
func checkZip(m module.Version, data []byte) string {
	folder := must(os.MkdirTemp("", "oracle"))
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "m.zip")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		panic(err)
	}
	if _, err := zip.CheckZip(m, file); err != nil {
		return "no"
	}
	if err := zip.Unzip(filepath.Join(folder, "m"), m, file); err != nil {
		return "no"
	}
	return orNo(dirhash.HashZip(file, dirhash.Hash1))
}

// createZip writes a zip of pairs of path and contents with Go's own writer.
func createZip(m module.Version, pairs []string) string {
	var files []zip.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, treeFile{path: pairs[i], contents: pairs[i+1]})
	}
	var out strings.Builder
	if err := zip.Create(&out, m, files); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString([]byte(out.String()))
}

// checkTree tells which of the files ("kind size path") belong into a module zip, or why there is none.
func checkTree(goMod string, descriptions []string) string {
	var files []zip.File
	for _, description := range descriptions {
		fields := strings.SplitN(description, " ", 3)
		file := treeFile{path: fields[2], contents: goMod, size: int64(must(strconv.Atoi(fields[1])))}
		switch fields[0] {
		case "link":
			file.mode = fs.ModeSymlink
		case "other":
			file.mode = fs.ModeDevice
		}
		files = append(files, file)
	}
	checked, err := zip.CheckFiles(files)
	switch {
	case checked.SizeError != nil:
		return "too large"
	case err != nil:
		return "no"
	}
	return strings.Join(checked.Valid, "|")
}

type treeFile struct {
	path, contents string
	size           int64
	mode           fs.FileMode
}

func (f treeFile) Path() string                { return f.path }
func (f treeFile) Lstat() (fs.FileInfo, error) { return treeInfo{f}, nil }
func (f treeFile) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f.contents)), nil
}

type treeInfo struct{ f treeFile }

func (i treeInfo) Name() string       { return path.Base(i.f.path) }
func (i treeInfo) Mode() fs.FileMode  { return i.f.mode | 0o644 }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) IsDir() bool        { return false }
func (i treeInfo) Sys() any           { return nil }
func (i treeInfo) Size() int64 {
	if i.f.size != 0 {
		return i.f.size
	}
	return int64(len(i.f.contents))
}

// folds tells of each character the smallest one that Go takes for it when it ignores case, if there is another.
func folds() string {
	var out strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		smallest := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			smallest = min(smallest, other)
		}
		if unicode.SimpleFold(r) != r {
			fmt.Fprintf(&out, "%d %d\n", r, smallest)
		}
	}
	return out.String()
}
