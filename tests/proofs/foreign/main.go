// Command foreign checks our published log with other people's libraries.
//
//	foreign fsck DIRECTORY VKEY          Tessera's fsck over a directory of tiles
//	foreign receipt FILE VKEY ENTRY      transparency-dev's reader over a .tlog-proof
//
// ENTRY is a file with the entry's bytes. Exit status: 0 verified, 1 refuted, 2 misused.
// Tessera's own command exits 0 when its check fails, and can wait for ever on a
// damaged tile: hence this program, several workers and a time limit.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

const timeLimit = 60 * time.Second

func main() {
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == "fsck":
		err = checkTiles(os.Args[2], os.Args[3])
	case len(os.Args) == 5 && os.Args[1] == "receipt":
		err = checkReceipt(os.Args[2], os.Args[3], os.Args[4])
	default:
		fmt.Fprintln(os.Stderr, "usage: foreign fsck DIRECTORY VKEY | foreign receipt FILE VKEY ENTRY")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refuted:", err)
		os.Exit(1)
	}
	fmt.Println("verified")
}

func checkTiles(directory, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	files := &client.FileFetcher{Root: directory}
	check := fsck.New(verifier.Name(), verifier, files, leafHashes, fsck.Opts{N: 4})
	done := make(chan error, 1)
	go func() { done <- check.Check(context.Background()) }()
	select {
	case err := <-done:
		return err
	case <-time.After(timeLimit):
		return fmt.Errorf("no answer within %v", timeLimit)
	}
}

// leafHashes reads a bundle strictly: written again, it must have the same bytes.
func leafHashes(bundle []byte) ([][]byte, error) {
	parsed := &api.EntryBundle{}
	if err := parsed.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(parsed.Entries))
	length := 0
	for _, entry := range parsed.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
		length += 2 + len(entry)
	}
	if length != len(bundle) {
		return nil, fmt.Errorf("bundle of %d bytes holds %d bytes of entries", len(bundle), length)
	}
	return hashes, nil
}

func checkReceipt(path, vkey, entryPath string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryPath)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	var parsed proof.TLogProof
	if err := parsed.Unmarshal(data); err != nil {
		return err
	}
	if !bytes.Equal(parsed.Marshal(), data) {
		return fmt.Errorf("written again, the receipt has other bytes")
	}
	checkpoint, _, _, err := log.ParseCheckpoint(parsed.Checkpoint, verifier.Name(), verifier)
	if err != nil {
		return err
	}
	hashes := make([][]byte, 0, len(parsed.Hashes))
	for _, hash := range parsed.Hashes {
		hashes = append(hashes, hash[:])
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(entry)
	return merkle.VerifyInclusion(
		rfc6962.DefaultHasher, parsed.Index, checkpoint.Size, leaf, hashes, checkpoint.Hash)
}
