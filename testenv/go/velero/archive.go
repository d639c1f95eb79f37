package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"github.com/vmware-tanzu/velero/pkg/archive"
	"github.com/vmware-tanzu/velero/pkg/util/filesystem"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// archive unpacks and parses the archive as a restore of Velero's does, and compares what it holds with the resource list.
func (j *judge) archive(name string, list map[string][]string) (string, error) {
	contents, err := j.store.GetBackupContents(name)
	if err != nil {
		return "", err
	}
	defer contents.Close()
	disk := filesystem.NewFileSystem()
	dir, err := archive.NewExtractor(j.log, disk).UnzipAndExtractBackup(contents)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	version, err := os.ReadFile(filepath.Join(dir, "metadata", "version"))
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(version)) != oldestFormat {
		return "", fmt.Errorf("metadata/version says %q", version)
	}
	parser := archive.NewParser(j.log, disk)
	resources, err := parser.Parse(dir)
	if err != nil {
		return "", err
	}
	versions, err := parser.ParseGroupVersions(dir)
	if err != nil {
		return "", err
	}
	found, others, objects, files := map[string][]string{}, map[string]bool{}, 0, 0
	for resource, items := range resources {
		preferred := versions[resource].PreferredVersion.Version
		if preferred == "" {
			return "", fmt.Errorf("%s has no preferred version", resource)
		}
		for namespace, names := range items.ItemsByNamespace {
			for _, item := range names {
				plain := archive.GetItemFilePath(dir, resource, namespace, item)
				object, err := named(disk, plain, namespace, item)
				if err != nil {
					return "", err
				}
				objects++
				kind := object.GetAPIVersion() + "/" + object.GetKind()
				found[kind] = append(found[kind], strings.TrimPrefix(namespace+"/"+item, "/"))
				// A preferred version is there twice, without and with its version.
				for _, served := range versions[resource].Versions {
					folder := served.Version
					if folder == preferred {
						folder += velerov1.PreferredVersionDir
					}
					versioned := archive.GetVersionedItemFilePath(dir, resource, namespace, item, folder)
					if _, err := os.Stat(versioned); err != nil && folder != served.Version {
						return "", err
					} else if err != nil {
						continue
					}
					other, err := named(disk, versioned, namespace, item)
					if err != nil {
						return "", err
					}
					if !strings.HasSuffix("/"+other.GetAPIVersion(), "/"+served.Version) {
						return "", fmt.Errorf("%s is of %s", versioned, other.GetAPIVersion())
					}
					// With several versions, Velero lists each.
					others[other.GetAPIVersion()+"/"+other.GetKind()+" "+strings.TrimPrefix(namespace+"/"+item, "/")] = true
					files++
				}
			}
		}
	}
	for _, names := range found {
		sort.Strings(names)
	}
	for kind, names := range found {
		if !slices.Equal(names, list[kind]) {
			return "", fmt.Errorf("%s: the archive holds %v, the resource list says %v", kind, names, list[kind])
		}
	}
	for kind, names := range list {
		for _, name := range names {
			if found[kind] == nil && !others[kind+" "+name] {
				return "", fmt.Errorf("the resource list has %s %s, the archive has none", kind, name)
			}
		}
	}
	return fmt.Sprintf("%d objects of %d resources, %d with a version", objects, len(resources), files), nil
}

// named reads one object by Velero's own reader, and checks that it is the one that its path says.
func named(disk filesystem.Interface, path, namespace, name string) (*unstructured.Unstructured, error) {
	object, err := archive.Unmarshal(disk, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if object.GetName() != name || object.GetNamespace() != namespace {
		return nil, fmt.Errorf("%s holds %s/%s", path, object.GetNamespace(), object.GetName())
	}
	return object, nil
}
