//! Entra over the network: signing keys, group overage.
