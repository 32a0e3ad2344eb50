// Package ingit has the shares of a canary in Git: in the document and the tree of a remote branch. A step is a commit, made of
// what the branch has and sent if it still has that. Nothing of it is in the work tree, so that nothing is ever half done
// there: either the branch has the commit or nobody has it. For the same reason the push is the lock of two runners.
package ingit
