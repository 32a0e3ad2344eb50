// Package lease lets one runner at a time be at work, by a Lease of the API server.
//
// As in client-go's leader election, a Lease is free once it has not been renewed for as long as it says, by the clock of the one
// who wants it: clocks of two machines are never compared. Unlike there, one who cannot renew since the API server is away goes on
// waiting for it; nobody else can take the Lease meanwhile, and what the holder writes is locked by the version that it read.
package lease
