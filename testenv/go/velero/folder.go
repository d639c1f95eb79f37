package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// folder is a bucket in a folder, for reading only: Velero's ObjectStore.
type folder struct{ root string }

var errReadOnly = errors.New("the judge does not write")

func (f *folder) Init(map[string]string) error { return nil }

func (f *folder) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

func (f *folder) ObjectExists(_, key string) (bool, error) {
	info, err := os.Stat(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular(), err
}

func (f *folder) GetObject(_, key string) (io.ReadCloser, error) { return os.Open(f.path(key)) }

func (f *folder) ListCommonPrefixes(bucket, prefix, delimiter string) ([]string, error) {
	keys, err := f.ListObjects(bucket, prefix)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, key := range keys {
		if at := strings.Index(key[len(prefix):], delimiter); at >= 0 {
			found[key[:len(prefix)+at+len(delimiter)]] = true
		}
	}
	prefixes := make([]string, 0, len(found))
	for one := range found {
		prefixes = append(prefixes, one)
	}
	sort.Strings(prefixes)
	return prefixes, nil
}

func (f *folder) ListObjects(_, prefix string) ([]string, error) {
	var keys []string
	err := filepath.WalkDir(f.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(f.root, path)
		if key := filepath.ToSlash(below); strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	return keys, err
}

func (f *folder) PutObject(string, string, io.Reader) error { return errReadOnly }

func (f *folder) DeleteObject(string, string) error { return errReadOnly }

func (f *folder) CreateSignedURL(string, string, time.Duration) (string, error) {
	return "", errReadOnly
}
