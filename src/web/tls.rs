//! TLS for the listener: the system's OpenSSL, TLS 1.2 or newer, Mozilla's intermediate list.

use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod, SslVersion};

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
