// Decode reads what we write for others, as strictly as they do, and prints each object as JSON on a line of its own.
//
//	decode manifests FILE …    objects of Kubernetes, each into the type of its kind; a field that is not there fails
//	decode compose FILE …      Compose files, as Docker Compose loads them
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// kinds has a fresh object of every kind that the chart may render.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                      func() any { return new(apps.Deployment) },
	"apps/v1 StatefulSet":                     func() any { return new(apps.StatefulSet) },
	"autoscaling/v2 HorizontalPodAutoscaler":  func() any { return new(autoscaling.HorizontalPodAutoscaler) },
	"gateway.networking.k8s.io/v1 HTTPRoute":  func() any { return new(gateway.HTTPRoute) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(monitoring.ServiceMonitor) },
	"networking.k8s.io/v1 Ingress":            func() any { return new(networking.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networking.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policy.PodDisruptionBudget) },
	"v1 ConfigMap":                            func() any { return new(core.ConfigMap) },
	"v1 Pod":                                  func() any { return new(core.Pod) },
	"v1 Service":                              func() any { return new(core.Service) },
	"v1 ServiceAccount":                       func() any { return new(core.ServiceAccount) },
}

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: decode manifests|compose FILE …"))
	}
	for _, name := range os.Args[2:] {
		var err error
		switch os.Args[1] {
		case "manifests":
			err = manifests(name)
		case "compose":
			err = compose(name)
		default:
			err = fmt.Errorf("no such command")
		}
		if err != nil {
			fail(fmt.Errorf("%s: %w", name, err))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func manifests(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			return err
		}
		kind := head.APIVersion + " " + head.Kind
		if kind == " " {
			continue
		}
		fresh, known := kinds[kind]
		if !known {
			return fmt.Errorf("%q is no kind that the chart renders", kind)
		}
		object := fresh()
		// Names in capitals or not are two names, as they are to Kubernetes and not to encoding/json.
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		strict, err := kubejson.UnmarshalStrict(text, object)
		if err := errors.Join(append(strict, err)...); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if err := print(object); err != nil {
			return err
		}
	}
	return nil
}

func compose(name string) error {
	options, err := cli.NewProjectOptions(
		[]string{name},
		cli.WithWorkingDirectory(filepath.Dir(name)),
		cli.WithOsEnv,
		cli.WithInterpolation(true),
		cli.WithConsistency(true),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	return print(project)
}

func print(object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}
