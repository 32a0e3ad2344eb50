package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// serve offers the plugin to the kubelet whose folder of sockets this is, until the context ends. A kubelet that
// starts again removes all sockets (pkg/kubelet/cm/devicemanager/manager.go): then it is offered again.
func serve(ctx context.Context, p *plugin, folder string) error {
	for ctx.Err() == nil {
		if err := serveOnce(ctx, p, folder); err != nil {
			return err
		}
	}
	return nil
}

// serveOnce ends without an error when the socket is gone.
func serveOnce(ctx context.Context, p *plugin, folder string) error {
	endpoint := "mock-" + strings.ReplaceAll(p.vendor.resource, "/", "-") + ".sock"
	socket := filepath.Join(folder, endpoint)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listening for the kubelet: %w", err)
	}
	server := grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(server, p)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer server.Stop()
	if err := register(ctx, p, folder, endpoint); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			return fmt.Errorf("serving %s: %w", p.vendor.resource, err)
		case <-time.After(time.Second):
			if _, err := os.Stat(socket); errors.Is(err, fs.ErrNotExist) {
				return nil
			}
		}
	}
}

// register tells the kubelet where the plugin listens.
func register(ctx context.Context, p *plugin, folder, endpoint string) error {
	connection, err := grpc.NewClient("unix://"+filepath.Join(folder, "kubelet.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = pluginapi.NewRegistrationClient(connection).Register(ctx, &pluginapi.RegisterRequest{
		Version: pluginapi.Version, Endpoint: endpoint, ResourceName: p.vendor.resource,
	}, grpc.WaitForReady(true))
	if err = errors.Join(err, connection.Close()); err != nil {
		return fmt.Errorf("registering %s with the kubelet: %w", p.vendor.resource, err)
	}
	return nil
}
