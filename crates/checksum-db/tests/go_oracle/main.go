// Command oracle answers questions about transparency logs with golang.org/x/mod, one JSON list a line.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var stored []tlog.Hash

type reader struct{}

func (reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		hashes[i] = stored[x]
	}
	return hashes, nil
}

// grow makes a log of records named by their numbers.
func grow(size int64) {
	for n := int64(0); n < size; n++ {
		hashes, err := tlog.StoredHashes(n, fmt.Appendf(nil, "record %d\n", n), reader{})
		if err != nil {
			panic(err)
		}
		stored = append(stored, hashes...)
	}
}

func joined(hashes []tlog.Hash, err error) string {
	if err != nil {
		return "no"
	}
	var words []string
	for _, hash := range hashes {
		words = append(words, hash.String())
	}
	return strings.Join(words, " ")
}

func answer(words []string) string {
	number := func(i int) int64 {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	switch words[0] {
	case "grow":
		grow(number(1))
		return "done"
	case "root":
		hash, err := tlog.TreeHash(number(1), reader{})
		return joined([]tlog.Hash{hash}, err)
	case "record":
		proof, err := tlog.ProveRecord(number(1), number(2), reader{})
		return joined(proof, err)
	case "tree":
		proof, err := tlog.ProveTree(number(1), number(2), reader{})
		return joined(proof, err)
	case "tile":
		tile := tlog.Tile{H: 8, L: int(number(1)), N: number(2), W: int(number(3))}
		data, err := tlog.ReadTileData(tile, reader{})
		if err != nil {
			return "no"
		}
		return tile.Path() + " " + tlog.RecordHash(data).String()
	case "path":
		tile, err := tlog.ParseTilePath(words[1])
		if err != nil {
			return "no"
		}
		return fmt.Sprintf("%d %d %d", tile.L, tile.N, tile.W)
	case "head":
		tree, err := tlog.ParseTree([]byte(words[1]))
		if err != nil {
			return "no"
		}
		return fmt.Sprintf("%d %s", tree.N, tree.Hash)
	case "lookup":
		id, text, rest, err := tlog.ParseRecord([]byte(words[1]))
		if err != nil {
			return "no"
		}
		return fmt.Sprintf("%d %q %q", id, text, rest)
	case "key":
		verifier, err := note.NewVerifier(words[1])
		if err != nil {
			return "no"
		}
		return verifier.Name()
	case "note":
		verifier, err := note.NewVerifier(words[1])
		if err != nil {
			panic(err)
		}
		message, err := base64.StdEncoding.DecodeString(words[2])
		if err != nil {
			panic(err)
		}
		n, err := note.Open(message, note.VerifierList(verifier))
		if err != nil {
			return "no"
		}
		return n.Text
	}
	panic("unknown question " + words[0])
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		var words []string
		if err := json.Unmarshal(in.Bytes(), &words); err != nil {
			panic(err)
		}
		encoder.Encode(answer(words))
	}
}
