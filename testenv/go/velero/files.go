package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"reflect"
	"strings"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"github.com/vmware-tanzu/velero/internal/volume"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"github.com/vmware-tanzu/velero/pkg/itemoperation"
	"github.com/vmware-tanzu/velero/pkg/util"
	"github.com/vmware-tanzu/velero/pkg/util/results"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kjson "sigs.k8s.io/json"
)

// Oldest format that Velero restores with versions.
// Source: https://velero.io/docs/main/output-file-format.
const oldestFormat = "1.1.0"

// sideFile is a file beside a backup's archive: its suffix, the type that Velero decodes it into, and Velero's own reader, if there is one.
type sideFile struct {
	suffix string
	into   any
	read   func() error
	// Whether every backup of today has it; the others are only read.
	always bool
}

func (j *judge) backup(name string) {
	dir := j.prefix + "backups/" + name + "/"
	record := dir + "velero-backup.json"
	exists, err := j.store.BackupExists("bucket", name)
	if err == nil && !exists {
		j.write(verdict{record, absent, "not a backup for Velero: it is not imported"})
		return
	}
	j.say(record, "", errors.Join(err, j.record(name, record)))
	own := func(suffix string) string { return dir + name + suffix }
	list := map[string][]string{}
	j.text(own("-logs.gz"))
	s := j.store
	j.side(own, []sideFile{
		{"-resource-list.json.gz", &list, nil, true},
		{"-results.gz", &map[string]results.Result{}, nil, true},
		{"-volumeinfo.json.gz", &[]*volume.BackupVolumeInfo{}, reader(s.GetBackupVolumeInfos, name), true},
		{"-volumesnapshots.json.gz", &[]*volume.Snapshot{}, reader(s.GetBackupVolumeSnapshots, name), true},
		{"-podvolumebackups.json.gz", &[]*velerov1.PodVolumeBackup{}, reader(s.GetPodVolumeBackups, name), true},
		{"-itemoperations.json.gz", &[]*itemoperation.BackupOperation{}, reader(s.GetBackupItemOperations, name), true},
		{"-csi-volumesnapshots.json.gz", &[]*snapshotv1.VolumeSnapshot{}, reader(s.GetCSIVolumeSnapshots, name), false},
		{"-csi-volumesnapshotcontents.json.gz", &[]*snapshotv1.VolumeSnapshotContent{}, nil, false},
		{"-csi-volumesnapshotclasses.json.gz", &[]*snapshotv1.VolumeSnapshotClass{}, reader(s.GetCSIVolumeSnapshotClasses, name), false},
	})
	if !j.said[own(".tar.gz")] {
		detail, err := j.archive(name, list)
		j.say(own(".tar.gz"), detail, err)
	}
}

// record reads the commit record as Velero's sync does, and strictly.
func (j *judge) record(name, key string) error {
	backup, err := j.store.GetBackupMetadata(name)
	if err != nil {
		return err
	}
	body, err := j.bytes(key)
	if err != nil {
		return err
	}
	strict := serializer.NewCodecFactory(util.VeleroScheme, serializer.EnableStrict).UniversalDeserializer()
	if _, _, err := strict.Decode(body, nil, nil); err != nil {
		return err
	}
	if backup.Name != name {
		return fmt.Errorf("names backup %q", backup.Name)
	}
	// The phases that the sync takes over, and of these the ones that a restore takes.
	switch backup.Status.Phase {
	case velerov1.BackupPhaseCompleted, velerov1.BackupPhasePartiallyFailed:
	default:
		return fmt.Errorf("phase %q cannot be restored", backup.Status.Phase)
	}
	// Velero compares the texts.
	if backup.Status.FormatVersion < oldestFormat {
		return fmt.Errorf("formatVersion %q is older than %s", backup.Status.FormatVersion, oldestFormat)
	}
	if backup.Status.Version != 1 || backup.Status.StartTimestamp == nil || backup.Status.CompletionTimestamp == nil || backup.Status.Progress == nil {
		return errors.New("status lacks version, timestamps or progress")
	}
	return nil
}

func (j *judge) restore(name string) {
	dir := j.prefix + "restores/" + name + "/"
	keys, err := j.folder.ListObjects("bucket", dir)
	if err != nil {
		j.say(dir, "", err)
		return
	}
	started := false
	for _, key := range keys {
		started = started || !strings.HasPrefix(key, dir+"csdr/")
	}
	if !started {
		j.write(verdict{dir, absent, "no file of Velero's: not ended"})
		return
	}
	own := func(suffix string) string { return dir + suffix }
	lead := "restore-" + name
	s := j.store
	j.text(own(lead + "-logs.gz"))
	list := map[string][]string{}
	j.side(own, []sideFile{
		{lead + "-results.gz", &map[string]results.Result{}, reader(s.GetRestoreResults, name), true},
		{lead + "-resource-list.json.gz", &list, reader(s.GetRestoredResourceList, name), true},
		{lead + "-itemoperations.json.gz", &[]*itemoperation.RestoreOperation{}, reader(s.GetRestoreItemOperations, name), true},
		{name + "-volumeinfo.json.gz", &[]*volume.RestoreVolumeInfo{}, nil, true},
	})
	// What Velero writes behind a name: pkg/restore/restore.go, ItemRestoreResult*.
	for kind, entries := range list {
		for _, entry := range entries {
			at := strings.LastIndex(entry, "(")
			action := strings.TrimSuffix(entry[at+1:], ")")
			switch {
			case at <= 0, action != "created" && action != "updated" && action != "failed" && action != "skipped":
				j.say(own(lead+"-resource-list.json.gz"), "", fmt.Errorf("%s: %q is no outcome", kind, entry))
			}
		}
	}
}

// side judges files by Velero's reader and by the strict decoding of its type.
func (j *judge) side(own func(string) string, files []sideFile) {
	for _, file := range files {
		key := own(file.suffix)
		exists, err := j.folder.ObjectExists("", key)
		if err == nil && !exists {
			if file.always {
				j.write(verdict{key, absent, "Velero of today writes it"})
			}
			continue
		}
		if err == nil && file.read != nil {
			err = file.read()
		}
		if err == nil {
			err = j.strict(key, file.into)
		}
		j.say(key, fmt.Sprintf("%d of %s", length(file.into), strings.TrimPrefix(path.Base(key), path.Base(path.Dir(key)))), err)
	}
}

func length(into any) int { return reflect.ValueOf(into).Elem().Len() }

// strict decodes a gzipped JSON file whole, and refuses fields that Velero's type does not have, or has in another spelling.
func (j *judge) strict(key string, into any) error {
	body, err := j.unzipped(key)
	if err != nil {
		return err
	}
	unknown, err := kjson.UnmarshalStrict(body, into)
	return errors.Join(append(unknown, err)...)
}

func (j *judge) text(key string) {
	exists, err := j.folder.ObjectExists("", key)
	if err == nil && !exists {
		j.write(verdict{key, absent, "Velero of today writes it"})
		return
	}
	body, err := j.unzipped(key)
	j.say(key, fmt.Sprintf("%d lines", strings.Count(string(body), "\n")), err)
}

func (j *judge) bytes(key string) ([]byte, error) {
	reader, err := j.folder.GetObject("", key)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func (j *judge) unzipped(key string) ([]byte, error) {
	reader, err := j.folder.GetObject("", key)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	unzip, err := gzip.NewReader(reader)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzip)
}

// reader calls one of Velero's own readers for its error.
func reader[T any](read func(string) (T, error), name string) func() error {
	return func() error {
		_, err := read(name)
		return err
	}
}
