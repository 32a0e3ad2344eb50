package load

import "github.com/kservegen/kservegen/pkg/finding"

// Codes of what can go wrong with reading.
const (
	CodeSyntax        = "KG0001"
	CodeRefused       = "KG0002"
	CodeNoObject      = "KG0003"
	CodeKustomization = "KG0004"
	CodeRemote        = "KG0005"
	CodeDocument      = "KG0006"
	CodeUnused        = "KG0007"
	CodeNothing       = "KG0008"
	CodeAlternatives  = "KG0011"
	CodeLost          = "KG0012"
	CodeKeyRead       = "KG0013"
	CodeIdle          = "KG0014"
)

// Rules explains the codes of this package, in their order.
func Rules() []finding.Rule {
	return []finding.Rule{
		{
			Code: CodeSyntax, Level: finding.Error, Title: "The file is not valid YAML",
			Why: "A file that cannot be read cannot be applied. The other files are judged nevertheless; rules that need all objects of a set are left out for this one.",
			Fix: "Correct the text at the line that is named. A Helm template is no YAML: validate what `helm template` prints.",
		},
		{
			Code: CodeRefused, Level: finding.Error, Title: "The file is not read",
			Why: "It is missing, too large, no regular file (a pipe, a device), or a link that leaves the tree, which a sync from Git would not follow.",
			Fix: "Replace it by a regular file inside the tree; split what is too large.",
		},
		{
			Code: CodeNoObject, Level: finding.Info, Title: "The document is no Kubernetes object",
			Why: "A document with neither apiVersion nor kind, as the values file of a chart, is passed over; files of a directory without any are passed over in silence. One with only one of them is refused by kubectl and the API server.",
			Fix: "Give it apiVersion, kind and metadata.name if it is meant as an object.",
		},
		{
			Code: CodeKustomization, Level: finding.Error, Title: "The kustomization cannot be built",
			Why: "`kustomize build`, `kubectl apply -k` and Flux fail in the same way. It was judged without what is missing or broken and without the tests of patches or, where it cannot be built even so, as the objects stand in their files.",
			Fix: "Correct what Kustomize complains about.", Reference: "https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/",
		},
		{
			Code: CodeRemote, Level: finding.Error, Title: "The kustomization fetches from a network",
			Why: "Validation fetches nothing, and Flux with --no-remote-bases refuses it. What is behind an address can change without a commit.",
			Fix: "Copy it into the tree.", Reference: "https://fluxcd.io/flux/components/kustomize/kustomizations/",
		},
		{
			Code: CodeDocument, Level: finding.Error, Title: "The ModelDeployment cannot be rendered",
			Why: "`kservegen render` refuses it with the same words.",
			Fix: "Correct the field that is named; `kservegen schema` prints what a document may hold.",
		},
		{
			Code: CodeUnused, Level: finding.Info, Title: "No kustomization uses the file",
			Why: "It stands beside a kustomization or beside what one uses, and nothing that is built has it: forgotten, or a patch that was switched off. It may be a part of an object, so it was not judged. " +
				"Files in directories without any were judged as they stand.",
			Fix: "List it under resources or patches, or remove it.",
		},
		{
			Code: CodeNothing, Level: finding.Error, Title: "There is nothing to validate",
			Why: "The path holds no Kubernetes object and no kustomization.",
			Fix: "Name a kustomization, manifests, a directory of them, or - for standard input.",
		},
		{
			Code: CodeAlternatives, Level: finding.Info, Title: "No two files of a directory hold the same object",
			Why: "`kubectl apply -f` on the directory applies one over the other. The directory was found below the one that was named, so its files were taken for alternatives: each was judged by itself, and nothing followed from what it lacks.",
			Fix: "Nothing to do for alternatives. Name the directory itself if all its files belong together.",
		},
		{
			Code: CodeLost, Level: finding.Warning, Title: "A rendered tree is built of all its files",
			Why: "kservegen.lock lists what was rendered. An object of it that no kustomization uses any more is not applied: a policy, a budget or a route is missing, and nothing need be wrong with the others. `kservegen render --check` says of the kustomization only that it was edited.",
			Fix: "Render with --force, which puts the file back. To do without an object, name it under spec.omit of the document and render; to remove it in one environment, patch it away in the overlay's custom/.",
		},
		{
			Code: CodeKeyRead, Level: finding.Warning, Title: "A key is read as it is written",
			Why: "kubectl reads YAML 1.1, to which y, n, yes, no, on and off are booleans, also as keys: the ConfigMap that was to hold y holds true. Two such keys can become one, and a value is lost without a word (KG0001). Kustomize reads YAML 1.2, to which they are text.",
			Fix: "Put the key in quotes; `kservegen validate --fix` does.", Reference: "https://yaml.org/type/bool.html",
		},
		{
			Code: CodeIdle, Level: finding.Warning, Title: "Patches and images of a kustomization change something",
			Why: "A patch whose target matches no object, or an entry of images whose name no container has, builds without a word, and what it was to do does not happen. Components are not judged: they may do their work in another tree.",
			Fix: "Correct the target or the name, or remove the entry.", Reference: "https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/",
		},
	}
}
