// Command server serves the chat's page for the tests in a browser, as `kservegen chat --web` does, and prints its link.
// With -tool it prints where a program that the tests start is instead. It runs in the repository's root.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kservegen/kservegen/e2e/tools"
	"github.com/kservegen/kservegen/pkg/chat/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var c web.Config
	flag.StringVar(&c.Name, "name", "", "what the page calls the model")
	flag.StringVar(&c.Token, "token", "", "what the page demands")
	flag.DurationVar(&c.Patience, "patience", time.Minute, "how long an answer may take to begin")
	flag.Func("revision", "NAME,WEIGHT,HEADER,VALUE of a revision; as often as there are revisions", func(text string) error {
		revision, err := parse(text)
		c.Revisions = append(c.Revisions, revision)
		return err
	})
	flag.Func("upstream", "base URL of the model", func(text string) (err error) {
		c.Upstream, err = url.Parse(text)
		return err
	})
	listen := flag.String("listen", "127.0.0.1:0", "address of the page")
	tool := flag.String("tool", "", "print where the program of this name of the suites is, and end")
	flag.Parse()
	if *tool != "" {
		return printTool(*tool)
	}
	return serve(ctx, c, *listen)
}

func parse(text string) (web.Revision, error) {
	parts := strings.Split(text, ",")
	if len(parts) != 4 {
		return web.Revision{}, fmt.Errorf("%q is not NAME,WEIGHT,HEADER,VALUE", text)
	}
	weight, err := strconv.Atoi(parts[1])
	return web.Revision{Name: parts[0], Weight: weight, Header: parts[2], Value: parts[3]}, err
}

func printTool(name string) error {
	tool, err := tools.Find(name)
	if err != nil {
		return err
	}
	path, err := tool.Installed(filepath.Join("e2e", "tools"))
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

func serve(ctx context.Context, c web.Config, address string) error {
	handler, err := web.New(c)
	if err != nil {
		return err
	}
	listener, err := web.Listen(ctx, address, c)
	if err != nil {
		return err
	}
	fmt.Println(web.Link(listener, c.Token))
	return web.Serve(ctx, listener, handler, 3*time.Second)
}
