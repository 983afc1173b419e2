// Decodes deployment files as their own readers do, strictly, and says what is wrong.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: schemas compose|kubernetes FILE"))
	}
	check := map[string]func(string) error{"compose": compose, "kubernetes": kubernetes}[os.Args[1]]
	if check == nil {
		fail(fmt.Errorf("unknown kind %q", os.Args[1]))
	}
	if err := check(os.Args[2]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// The loader of `docker compose config`: schema, references between services and volumes, interpolation.
func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("otel-kit"), cli.WithOsEnv)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	fmt.Println(len(project.Services), "services")
	return nil
}

// The API server's own types; an unknown or doubled field is an error.
func kubernetes(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		_, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return err
		}
		fmt.Println(kind.Kind)
	}
	return nil
}
