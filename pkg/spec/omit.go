package spec

// Objects that can be left out, by the name of their file.
const (
	OmitServiceAccount        Omittable = "serviceaccount"
	OmitPersistentVolumeClaim Omittable = "persistentvolumeclaim"
	OmitService               Omittable = "service"
	OmitVirtualService        Omittable = "virtualservice"
	OmitHTTPRoute             Omittable = "httproute"
	OmitDestinationRule       Omittable = "destinationrule"
	OmitSidecar               Omittable = "sidecar"
	OmitPeerAuthentication    Omittable = "peerauthentication"
	OmitAuthorizationPolicy   Omittable = "authorizationpolicy"
	OmitNetworkPolicy         Omittable = "networkpolicy"
	OmitPodDisruptionBudget   Omittable = "poddisruptionbudget"
	OmitPodMonitor            Omittable = "podmonitor"
)

// Omittables lists every object that can be left out, in the order of the tree.
func Omittables() []Omittable {
	return []Omittable{
		OmitServiceAccount, OmitPersistentVolumeClaim, OmitService, OmitVirtualService, OmitHTTPRoute,
		OmitDestinationRule, OmitSidecar, OmitPeerAuthentication, OmitAuthorizationPolicy, OmitNetworkPolicy,
		OmitPodDisruptionBudget, OmitPodMonitor,
	}
}
