// Command kube-apiserver is the old API server of the tests, which still serves
// extensions/v1beta1 and the other groups that later releases removed.
package main

import (
	"math/rand"
	"os"
	"time"

	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"

	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	rand.Seed(time.Now().UnixNano())
	command := app.NewAPIServerCommand()
	logs.InitLogs()
	defer logs.FlushLogs()
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}
