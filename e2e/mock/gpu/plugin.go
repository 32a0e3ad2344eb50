package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// plugin is the device plugin of one resource on one node (k8s.io/kubelet pkg/apis/deviceplugin/v1beta1).
type plugin struct {
	pluginapi.UnimplementedDevicePluginServer

	vendor vendor
	// programs is the node's folder of the vendor's tool.
	programs string
	// product and memory (MiB) are what the tool prints.
	product string
	memory  int

	mu      sync.Mutex
	devices []*pluginapi.Device
	// changed is closed, and replaced, when a device's health changes.
	changed chan struct{}
}

func newPlugin(v vendor, node string, count int) *plugin {
	p := &plugin{vendor: v, changed: make(chan struct{})}
	for i := range count {
		p.devices = append(p.devices, &pluginapi.Device{ID: deviceID(node, i), Health: pluginapi.Healthy})
	}
	return p
}

// deviceID names a device as nvidia-smi -L does, and differs between nodes.
func deviceID(node string, i int) string { return fmt.Sprintf("GPU-mock-%s-%d", node, i) }

// setUnhealthy takes the devices of these numbers away, and gives all others back.
func (p *plugin) setUnhealthy(numbers []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	differs := false
	devices := make([]*pluginapi.Device, len(p.devices))
	for i, device := range p.devices {
		health := pluginapi.Healthy
		if slices.Contains(numbers, i) {
			health = pluginapi.Unhealthy
		}
		differs = differs || health != device.Health
		devices[i] = &pluginapi.Device{ID: device.ID, Health: health}
	}
	if differs {
		p.devices = devices
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

func (p *plugin) state() ([]*pluginapi.Device, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.devices, p.changed
}

// GetDevicePluginOptions says that the kubelet need not ask before a container starts.
func (p *plugin) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &pluginapi.DevicePluginOptions{}, nil
}

// ListAndWatch sends the devices now and whenever one's health changes.
func (p *plugin) ListAndWatch(_ *pluginapi.Empty, stream grpc.ServerStreamingServer[pluginapi.ListAndWatchResponse]) error {
	for {
		devices, changed := p.state()
		if err := stream.Send(&pluginapi.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

// Allocate gives a container its devices: their files, the variable that names them, and the vendor's tool.
func (p *plugin) Allocate(_ context.Context, request *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	response := &pluginapi.AllocateResponse{}
	for _, container := range request.GetContainerRequests() {
		allocated, err := p.allocate(container.GetDevicesIds())
		if err != nil {
			return nil, err
		}
		response.ContainerResponses = append(response.ContainerResponses, allocated)
	}
	return response, nil
}

func (p *plugin) allocate(ids []string) (*pluginapi.ContainerAllocateResponse, error) {
	devices, _ := p.state()
	files := slices.Clone(p.vendor.shared)
	for _, id := range ids {
		i := slices.IndexFunc(devices, func(d *pluginapi.Device) bool { return d.GetID() == id })
		if i < 0 {
			return nil, fmt.Errorf("%s has no device %s", p.vendor.resource, id)
		}
		files = append(files, fmt.Sprintf(p.vendor.each, p.vendor.first+i))
	}
	response := &pluginapi.ContainerAllocateResponse{
		Envs: map[string]string{
			devicesVariable: strings.Join(ids, ","), productVariable: p.product, memoryVariable: fmt.Sprint(p.memory),
		},
		Mounts: []*pluginapi.Mount{{
			ContainerPath: "/usr/bin/" + p.vendor.program, HostPath: filepath.Join(p.programs, p.vendor.program), ReadOnly: true,
		}},
	}
	if p.vendor.visible != "" {
		response.Envs[p.vendor.visible] = strings.Join(ids, ",")
	}
	for _, file := range files {
		response.Devices = append(response.Devices, &pluginapi.DeviceSpec{ContainerPath: file, HostPath: "/dev/null", Permissions: "rw"})
	}
	return response, nil
}
