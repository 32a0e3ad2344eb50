package install

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// UsersKey is the one of a Secret that holds the users of a chat's page, as htpasswd writes them.
const UsersKey = "htpasswd"

// ChatPassword is that of all users.
const ChatPassword = "only-for-the-suite"

// ChatUsers are those of a chat's page.
func ChatUsers() []string {
	users := make([]string, 8)
	for i := range users {
		users[i] = fmt.Sprintf("user-%d", i)
	}
	return users
}

// usersFile has a line for each user.
func usersFile() (string, error) {
	var lines strings.Builder
	for _, user := range ChatUsers() {
		line, err := UsersLine(user)
		if err != nil {
			return "", err
		}
		lines.WriteString(line)
	}
	return lines.String(), nil
}

// UsersLine is what `htpasswd -nbB USER PASSWORD` prints.
func UsersLine(user string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(ChatPassword), bcrypt.DefaultCost)
	return fmt.Sprintf("%s:%s\n", user, hash), err
}

// restartChat replaces the pods of the page, which run the program that is proved.
func (i Installer) restartChat(ctx context.Context, chat *tree.Chat) error {
	if chat == nil {
		return nil
	}
	workload := "deployment/" + chat.Deployment.Name
	// An earlier run may have ended before the tree was applied.
	found, err := i.Kubectl.Run(ctx, "-n", chat.Deployment.Namespace, "get", workload, "--ignore-not-found", "-o", "name")
	if err != nil || found == "" {
		return err
	}
	if _, err := i.Kubectl.Run(ctx, "-n", chat.Deployment.Namespace, "rollout", "restart", workload); err != nil {
		return err
	}
	return i.rollout(ctx, chat.Deployment.Namespace, workload)
}
