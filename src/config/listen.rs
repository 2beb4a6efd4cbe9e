//! `[listen]`: where connections are taken, and from which proxies.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::fault::{Complaint, FaultKind};
use super::reader::Section;
use super::values;

/// Where connections are taken.
#[derive(Debug, Clone)]
pub struct Listen {
    /// `address`: one or more addresses with a port. Default `0.0.0.0:8443`.
    pub addresses: Vec<SocketAddr>,
    /// `admin`: an address of its own for `/metrics` and the details of `/readyz`, in plain HTTP. Default: none.
    pub admin: Option<SocketAddr>,
    /// `tls_certificate` and `tls_private_key`, both or none; none means plain HTTP for a proxy in front.
    pub tls: Option<Tls>,
    /// `trusted_proxies`: whose `X-Forwarded-For` is believed. Default: nobody's.
    pub trusted_proxies: Vec<IpNet>,
}

/// The files of the server's own TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM: the certificate and those that it was issued by.
    pub certificate: PathBuf,
    /// PEM, readable by its owner only.
    pub private_key: PathBuf,
}

impl Listen {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let default = || vec![SocketAddr::from(([0, 0, 0, 0], 8443))];
        let addresses = section.one_or_list("address", values::address);
        if section.is_empty_list("address") {
            section.complain(
                "address",
                Complaint::wrong("is empty", "name at least one address, or take it out"),
            );
        }
        let addresses = addresses.unwrap_or_else(default);
        let admin = section.optional("admin", values::address);
        let is_taken = admin.is_some_and(|admin| addresses.iter().any(|address| meet(*address, admin)));
        if is_taken {
            section.complain(
                "admin",
                Complaint::wrong("is an address of listen.address as well", "give it a port of its own"),
            );
        }
        let elsewhere = admin.filter(|admin| !is_taken && !admin.ip().to_canonical().is_loopback());
        if let Some(elsewhere) = elsewhere {
            let port = elsewhere.port();
            let message = "names of directories and targets, and what is wrong with them, are told in plain HTTP and \
                           without a password";
            let remedy = format!(
                "write \"127.0.0.1:{port}\", or an address of the administrators' network and no other"
            );
            section.warn("admin", message, remedy);
        }
        Self {
            addresses,
            admin,
            tls: Tls::read(section),
            trusted_proxies: section.list("trusted_proxies", values::network).unwrap_or_default(),
        }
    }
}

/// Whether nobody can listen at both.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    // [::] is all of both families.
    let has =
        |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    one.port() == other.port() && (one.ip() == other.ip() || has(one, other) || has(other, one))
}

impl Tls {
    fn read(section: &Section<'_>) -> Option<Self> {
        let certificate = section.existing("tls_certificate", None);
        let private_key = section.private("tls_private_key", None);
        let lonely = match (section.has("tls_certificate"), section.has("tls_private_key")) {
            (true, false) => Some("tls_private_key"),
            (false, true) => Some("tls_certificate"),
            _ => None,
        };
        if let Some(key) = lonely {
            let remedy = "give both TLS keys, or neither for plain HTTP behind a proxy";
            section.complain(key, Complaint::wrong("is missing", remedy).kind(FaultKind::MissingKey));
        }
        Some(Self { certificate: certificate?, private_key: private_key? })
    }
}
