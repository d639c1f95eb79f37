// Command csdr-judge opens a folder as a Velero server opens a backup storage location, and says of every file below backups/ and
// restores/ whether Velero takes it: read by Velero's own persistence, extractor and parser, and decoded once more into Velero's own
// types with unknown, repeated and differently spelled fields refused.
//
//	csdr-judge [-prefix P] FOLDER
//
// One line a verdict, with tabs between verdict, file and detail. Verdicts: accepted; refused; absent, for a file that Velero of today
// writes; foreign, for a file inside csdr/ that no reader of Velero's knows: elsewhere such a file is refused.
// Exit codes: 0 nothing is refused, 1 something is, 2 it could not be looked at.
//
// The module's path lies below Velero's, so that Go lets it import Velero's internal packages.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/sirupsen/logrus"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"github.com/vmware-tanzu/velero/pkg/persistence"
	"github.com/vmware-tanzu/velero/pkg/plugin/velero"
)

const (
	accepted = "accepted"
	refused  = "refused"
	foreign  = "foreign"
	absent   = "absent"
)

type verdict struct{ file, verdict, detail string }

// judge holds what is judged and what was said so far.
type judge struct {
	folder *folder
	store  persistence.BackupStore
	prefix string
	log    logrus.FieldLogger
	said   map[string]bool
	bad    bool
}

func main() {
	prefix := flag.String("prefix", "", "prefix of the location inside the folder")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: csdr-judge [-prefix P] FOLDER")
		os.Exit(2)
	}
	bad, err := run(flag.Arg(0), strings.Trim(*prefix, "/"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "csdr-judge: %v\n", err)
		os.Exit(2)
	}
	if bad {
		os.Exit(1)
	}
}

func run(root, prefix string) (bool, error) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	objects := &folder{root: root}
	location := &velerov1.BackupStorageLocation{}
	location.Spec.Provider = "folder"
	location.Spec.ObjectStorage = &velerov1.ObjectStorageLocation{Bucket: "bucket", Prefix: prefix}
	store, err := persistence.NewObjectBackupStoreGetter(nil).Get(location, getter{objects}, log)
	if err != nil {
		return false, err
	}
	j := &judge{folder: objects, store: store, log: log, said: map[string]bool{}}
	if prefix != "" {
		j.prefix = prefix + "/"
	}
	// What decides whether Velero calls the location Available.
	j.say(strings.TrimSuffix(j.prefix, "/"), "a valid location", store.IsValid())
	backups, err := store.ListBackups()
	if err != nil {
		return false, err
	}
	for _, name := range backups {
		j.backup(name)
	}
	restores, err := objects.ListCommonPrefixes("bucket", j.prefix+"restores/", "/")
	if err != nil {
		return false, err
	}
	for _, name := range restores {
		j.restore(path.Base(name))
	}
	return j.bad, j.rest()
}

// say records the verdict about one file.
func (j *judge) say(file, detail string, err error) {
	line := verdict{file, accepted, detail}
	if err != nil {
		line = verdict{file, refused, err.Error()}
		j.bad = true
	}
	j.write(line)
}

func (j *judge) write(line verdict) {
	j.said[line.file] = true
	flat := strings.NewReplacer("\t", " ", "\n", "; ").Replace(line.detail)
	if _, err := fmt.Printf("%s\t%s\t%s\n", line.verdict, line.file, flat); err != nil {
		fmt.Fprintf(os.Stderr, "csdr-judge: %v\n", err)
		os.Exit(2)
	}
}

// rest names every file that no reader of Velero's asked for.
func (j *judge) rest() error {
	for _, top := range []string{"backups/", "restores/"} {
		keys, err := j.folder.ListObjects("bucket", j.prefix+top)
		if err != nil {
			return err
		}
		sort.Strings(keys)
		for _, key := range keys {
			if j.said[key] {
				continue
			}
			parts := strings.Split(strings.TrimPrefix(key, j.prefix), "/")
			if len(parts) > 3 && parts[2] == "csdr" {
				j.write(verdict{key, foreign, "Velero does not ask for it, and deletes it with the folder"})
				continue
			}
			j.say(key, "", fmt.Errorf("no reader of Velero's knows this name"))
		}
	}
	return nil
}

type getter struct{ store velero.ObjectStore }

func (g getter) GetObjectStore(string) (velero.ObjectStore, error) { return g.store, nil }
