//! TLS for the listener: the system's OpenSSL, TLS 1.2 or newer, Mozilla's intermediate list.

use std::any::Any;
use std::path::{Path, PathBuf};

use actix_tls::accept::openssl::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509Name;

/// Why the listener's key or certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// OpenSSL itself.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] ErrorStack),
    /// `listen.tls_certificate`
    #[error(
        "cannot use {path} as listen.tls_certificate: {cause}; it must be a PEM chain, own certificate first"
    )]
    Certificate {
        /// The file.
        path: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// `listen.tls_private_key`
    #[error("cannot use {path} as listen.tls_private_key: {cause}; it must be a PEM key without passphrase")]
    PrivateKey {
        /// The file.
        path: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// `password_api.client_certificates`
    #[error(
        "cannot use {path} as password_api.client_certificates: {cause}; it must hold CA certificates as PEM"
    )]
    ClientAuthority {
        /// The file.
        path: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// They are not a pair.
    #[error("the key {key} does not belong to the certificate {certificate}; give both files of one pair")]
    Pair {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
}

/// What accepts connections with this pair of PEM files.
pub fn acceptor(certificate: &Path, private_key: &Path) -> Result<SslAcceptorBuilder, TlsError> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder
        .set_certificate_chain_file(certificate)
        .map_err(|cause| TlsError::Certificate { path: certificate.to_owned(), cause })?;
    builder
        .set_private_key_file(private_key, SslFiletype::PEM)
        .map_err(|cause| TlsError::PrivateKey { path: private_key.to_owned(), cause })?;
    builder
        .check_private_key()
        .map_err(|_| TlsError::Pair { key: private_key.to_owned(), certificate: certificate.to_owned() })?;
    Ok(builder)
}

/// Lets clients show a certificate of these CAs; nobody has to, and a browser that has none of them asks nobody.
pub fn ask_for_certificates(builder: &mut SslAcceptorBuilder, authorities: &Path) -> Result<(), TlsError> {
    let fault = |cause| TlsError::ClientAuthority { path: authorities.to_owned(), cause };
    let names = X509Name::load_client_ca_file(authorities).map_err(fault)?;
    builder.set_client_ca_list(names);
    builder.set_ca_file(authorities).map_err(fault)?;
    builder.set_session_id_context(b"sekisho").map_err(fault)?;
    builder.set_verify(SslVerifyMode::PEER);
    Ok(())
}

/// Marks a connection whose client showed a certificate of those CAs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Certified;

/// Runs for each new connection.
pub fn on_connect(connection: &dyn Any, data: &mut Extensions) {
    let shown =
        connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.ssl().peer_certificate());
    if shown.flatten().is_some() {
        data.insert(Certified);
    }
}
