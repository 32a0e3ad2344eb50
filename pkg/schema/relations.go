package schema

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// relations checks what the fields of some native kinds must be to each other; the cases that manifests get wrong, not
// all that the server knows.
func relations(gk schema.GroupKind, object map[string]any) field.ErrorList {
	spec, _ := object["spec"].(map[string]any)
	if spec == nil {
		return nil
	}
	at := field.NewPath("spec")
	switch gk {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Group: "apps", Kind: "ReplicaSet"},
		schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		return selectsItsPods(spec, at)
	case schema.GroupKind{Kind: "Service"}:
		return servicePorts(spec, at)
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		return claimSize(spec, at)
	case schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}:
		if spec["defaultBackend"] == nil && length(spec["rules"]) == 0 {
			return field.ErrorList{field.Invalid(at, "", "either `defaultBackend` or `rules` must be specified")}
		}
	}
	return nil
}

// selectsItsPods checks that a workload's selector is not empty and matches its own template (pkg/apis/apps/validation).
func selectsItsPods(spec map[string]any, at *field.Path) field.ErrorList {
	selector, ok := decodeSelector(spec["selector"])
	if !ok {
		return nil // missing or of the wrong shape: refused already
	}
	if len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return field.ErrorList{field.Invalid(at.Child("selector"), selector, "empty selector is invalid")}
	}
	template, _ := spec["template"].(map[string]any)
	meta, err := templateMeta(template["metadata"])
	if err != nil {
		return nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || parsed.Matches(labels.Set(meta.Labels)) {
		return nil
	}
	return field.ErrorList{field.Invalid(at.Child("template", "metadata", "labels"), meta.Labels, "`selector` does not match template `labels`")}
}

// servicePorts: only a headless Service and a name for an external host may have none; with several each needs a name.
func servicePorts(spec map[string]any, at *field.Path) field.ErrorList {
	ports, _ := spec["ports"].([]any)
	if len(ports) == 0 && spec["clusterIP"] != "None" && spec["type"] != "ExternalName" {
		return field.ErrorList{field.Required(at.Child("ports"), "")}
	}
	if len(ports) < 2 {
		return nil
	}
	var errs field.ErrorList
	names := map[any]bool{}
	for i, port := range ports {
		fields, _ := port.(map[string]any)
		name, _ := fields["name"].(string)
		switch {
		case name == "":
			errs = append(errs, field.Required(at.Child("ports").Index(i).Child("name"), ""))
		case names[name]:
			errs = append(errs, field.Duplicate(at.Child("ports").Index(i).Child("name"), name))
		}
		names[name] = true
	}
	return errs
}

// claimSize: a claim says how it is accessed and asks for more than nothing.
func claimSize(spec map[string]any, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec["accessModes"] == nil {
		errs = append(errs, field.Required(at.Child("accessModes"), "at least 1 access mode is required"))
	}
	resources, _ := spec["resources"].(map[string]any)
	requests, _ := resources["requests"].(map[string]any)
	storage := at.Child("resources").Key("storage")
	text, isText := requests["storage"].(string)
	switch {
	case requests["storage"] == nil:
		errs = append(errs, field.Required(storage, ""))
	case isText:
		if quantity, err := resource.ParseQuantity(text); err == nil && quantity.Sign() <= 0 {
			errs = append(errs, field.Invalid(storage, text, "must be greater than zero"))
		}
	}
	return errs
}

func length(v any) int {
	list, _ := v.([]any)
	return len(list)
}
