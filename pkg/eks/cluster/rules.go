package cluster

// rule of a security group, from or to another one or itself.
type rule struct {
	// name tells it from the group's others.
	name string
	// protocol is tcp, or -1 for all.
	protocol string
	// from and to are ports, both 0 for all.
	from, to int
	why      string
}

// lustreRules are those of Lustre's servers and clients, of which each connects to the other.
// https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html
func lustreRules() []rule {
	return []rule{
		{"lustre", "tcp", 988, 988, "Lustre between file system and nodes"},
		{"lustre_more", "tcp", 1018, 1023, "Lustre between file system and nodes"},
	}
}

// nfsRule is that of EFS.
// https://docs.aws.amazon.com/efs/latest/ug/network-access.html
func nfsRule() rule { return rule{"nfs", "tcp", 2049, 2049, "NFS from the nodes"} }

// efaRule is that of the Elastic Fabric Adapter: all traffic within the group, both ways. Out to any address is not enough.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html
func efaRule() rule { return rule{"efa", "-1", 0, 0, "EFA within the group"} }

// httpsRule is that of the VPC's endpoints.
func httpsRule() rule { return rule{"https", "tcp", 443, 443, "HTTPS from the VPC"} }

// webhookRule lets the API server reach istiod, which the module's own rules leave out (terraform-aws-eks: node_groups.tf has
// 4443, 6443, 8443, 9443 and 10251).
func webhookRule() rule {
	return rule{"istiod_webhook", "tcp", 15017, 15017, "API server to istiod's webhooks"}
}
