package main

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// kubelet is the registration socket of one, and counts who came.
type kubelet struct {
	pluginapi.UnimplementedRegistrationServer
	registered chan *pluginapi.RegisterRequest
}

func (k *kubelet) Register(_ context.Context, request *pluginapi.RegisterRequest) (*pluginapi.Empty, error) {
	k.registered <- request
	return &pluginapi.Empty{}, nil
}

func startKubelet(t *testing.T, folder string) *kubelet {
	t.Helper()
	k := &kubelet{registered: make(chan *pluginapi.RegisterRequest, 4)}
	listener, err := net.Listen("unix", filepath.Join(folder, "kubelet.sock"))
	require.NoError(t, err)
	server := grpc.NewServer()
	pluginapi.RegisterRegistrationServer(server, k)
	go func() { _ = server.Serve(listener) }() // Stop ends it
	t.Cleanup(server.Stop)
	return k
}

// TestPlugin speaks to the plugin as the kubelet does: registration, devices, one that breaks, an allocation.
func TestPlugin(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	k := startKubelet(t, folder)
	v, err := findVendor("nvidia.com/gpu")
	require.NoError(t, err)
	p := newPlugin(v, "a", 2)
	p.product, p.memory, p.programs = "NVIDIA-A10G", 23028, "/programs"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { _ = serve(ctx, p, folder) }() // ends with the context

	request := <-k.registered
	assert.Equal(t, "nvidia.com/gpu", request.GetResourceName())
	connection, err := grpc.NewClient("unix://"+filepath.Join(folder, request.GetEndpoint()), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	client := pluginapi.NewDevicePluginClient(connection)
	stream, err := client.ListAndWatch(ctx, &pluginapi.Empty{})
	require.NoError(t, err)
	assert.Equal(t, []string{"Healthy", "Healthy"}, health(t, stream))
	p.setUnhealthy([]int{1})
	assert.Equal(t, []string{"Healthy", "Unhealthy"}, health(t, stream))
	p.setUnhealthy(nil)
	assert.Equal(t, []string{"Healthy", "Healthy"}, health(t, stream))

	answer, err := client.Allocate(ctx, &pluginapi.AllocateRequest{ContainerRequests: []*pluginapi.ContainerAllocateRequest{
		{DevicesIds: []string{deviceID("a", 1)}},
	}})
	require.NoError(t, err)
	container := answer.GetContainerResponses()[0]
	assert.Equal(t, deviceID("a", 1), container.GetEnvs()["NVIDIA_VISIBLE_DEVICES"])
	assert.Equal(t, "/programs/nvidia-smi", container.GetMounts()[0].GetHostPath())
	assert.Equal(t, "/dev/nvidia1", container.GetDevices()[2].GetContainerPath())
	_, err = client.Allocate(ctx, &pluginapi.AllocateRequest{ContainerRequests: []*pluginapi.ContainerAllocateRequest{
		{DevicesIds: []string{"other"}},
	}})
	require.ErrorContains(t, err, "no device other")
}

func health(t *testing.T, stream grpc.ServerStreamingClient[pluginapi.ListAndWatchResponse]) []string {
	t.Helper()
	response, err := stream.Recv()
	require.NoError(t, err)
	var states []string
	for _, device := range response.GetDevices() {
		states = append(states, device.GetHealth())
	}
	return states
}

// TestProgram prints what the container was given, and fails where it was given nothing.
func TestProgram(t *testing.T) {
	t.Parallel()
	values := map[string]string{devicesVariable: "GPU-a,GPU-b", productVariable: "NVIDIA-A10G", memoryVariable: "23028"}
	env := func(name string) string { return values[name] }
	var out bytes.Buffer
	require.NoError(t, printDevices(&out, []string{"-L"}, env))
	assert.Equal(t, "GPU 0: NVIDIA-A10G (UUID: GPU-a)\nGPU 1: NVIDIA-A10G (UUID: GPU-b)\n", out.String())
	out.Reset()
	require.NoError(t, printDevices(&out, []string{"--query-gpu=index,memory.total", "--format=csv,noheader"}, env))
	assert.Equal(t, "0, 23028 MiB\n1, 23028 MiB\n", out.String())
	require.ErrorContains(t, printDevices(&out, []string{"--query-gpu=age"}, env), "not a valid field")
	require.ErrorContains(t, printDevices(&out, nil, func(string) string { return "" }), "no devices")
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	numbers, err := parseNumbers("0, 2")
	require.NoError(t, err)
	assert.Equal(t, []int{0, 2}, numbers)
	_, err = parseNumbers("all")
	require.ErrorContains(t, err, "no list of device numbers")
}
