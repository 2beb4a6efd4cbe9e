//! What is wrong with a key, or worth knowing of it, and what to do about it.

use std::path::PathBuf;

use jiff::Timestamp;
use openssl::error::ErrorStack;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("Unable to load private key {file}: {cause}")]
    KeyUnreadable {
        /// Which file.
        file: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
    /// Other people of the machine can read the key.
    #[error("Unable to load private key {file}: it is open to other users of this machine (mode {mode:04o})")]
    KeyExposed {
        /// Which file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key is encrypted and there is no passphrase.
    #[error("Unable to load private key {file}: it is encrypted")]
    KeyEncrypted {
        /// Which file.
        file: PathBuf,
    },
    /// The passphrase does not open the key.
    #[error("Unable to load private key {file}: the passphrase does not open it")]
    WrongPassphrase {
        /// Which file.
        file: PathBuf,
    },
    /// The file holds no private key.
    #[error("Unable to load private key {file}: it holds no private key in PEM form ({cause})")]
    KeyMalformed {
        /// Which file.
        file: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// An RSA key of too few bits.
    #[error("Unable to load private key {file}: RSA with {bits} bits is too weak")]
    WeakRsa {
        /// Which file.
        file: PathBuf,
        /// Its size.
        bits: u32,
    },
    /// Another kind of key than RSA and EC, or another curve than P-256 and P-384.
    #[error("Unable to load private key {file}: {kind} keys cannot sign SAML")]
    KeyKind {
        /// Which file.
        file: PathBuf,
        /// What it is.
        kind: String,
    },
    /// The certificate's file cannot be read.
    #[error("cannot read certificate {file}: {cause}")]
    CertificateUnreadable {
        /// Which file.
        file: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
    /// The file holds no certificate.
    #[error("cannot read certificate {file}: it holds no X.509 certificate ({cause})")]
    CertificateMalformed {
        /// Which file.
        file: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// Key and certificate are not of one pair.
    #[error("Unable to load private key {private_key}: it is not the key of certificate {certificate} ({subject})")]
    Mismatch {
        /// The key's file.
        private_key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
        /// Whose certificate it is.
        subject: String,
    },
    /// A decryption key is encrypted itself.
    #[error("Unable to load private key {file}: it is encrypted")]
    DecryptionKeyEncrypted {
        /// Which file.
        file: PathBuf,
    },
    /// A decryption key that is not RSA.
    #[error("Unable to load private key {file}: only RSA keys decrypt")]
    DecryptionKeyKind {
        /// Which file.
        file: PathBuf,
    },
    /// A decryption key without the certificate that is published of it.
    #[error("Unable to load private key {file}: its certificate must stand in the same file, and does not ({cause})")]
    NoCertificateBeside {
        /// Which file.
        file: PathBuf,
        /// OpenSSL's word.
        cause: ErrorStack,
    },
    /// OpenSSL could not make a key.
    #[error("cannot make a key: {0}")]
    Generation(#[from] ErrorStack),
}

/// What is worth knowing of a pair that works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Concern {
    /// The certificate's time is over. SAML takes no notice of it (saml-metadata 2.4.1.1), some SPs do.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    /// It will be over within 60 days.
    #[error("the certificate expires at {0}")]
    ExpiresSoon(Timestamp),
    /// Its time has not begun.
    #[error("the certificate is valid only from {0}")]
    NotYetValid(Timestamp),
}

/// What a key is for: that decides how it is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It signs.
    Signing,
    /// It signs for one SP.
    SigningForOne,
    /// SPs encrypt to it.
    Decryption,
}

impl KeyError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::KeyUnreadable { .. } => "run `sekisho keys generate`, or put your key there".to_owned(),
            Self::KeyExposed { file, .. } => format!("chmod 600 {}", file.display()),
            Self::KeyEncrypted { file } => format!(
                "set saml.private_key_passphrase_file, or decrypt it with `openssl pkey -in {} -out NEW`",
                file.display()
            ),
            Self::WrongPassphrase { .. } => "check private_key_passphrase".to_owned(),
            Self::KeyMalformed { .. } => "put a private key in PEM form there".to_owned(),
            Self::WeakRsa { .. } => {
                "make one of 2048 or more, as `sekisho keys generate` does".to_owned()
            }
            Self::KeyKind { .. } => "use RSA, or EC on P-256 or P-384".to_owned(),
            Self::CertificateUnreadable { .. } => {
                "run `sekisho keys generate`, or put your certificate there".to_owned()
            }
            Self::CertificateMalformed { .. } => "put the certificate of the key there".to_owned(),
            Self::Mismatch { .. } => "put both files of one pair there".to_owned(),
            Self::DecryptionKeyEncrypted { file } => format!(
                "decrypt it with `openssl pkey -in {} -out NEW`, and put its certificate behind it",
                file.display()
            ),
            Self::DecryptionKeyKind { .. } => "take one of 2048 bits or more".to_owned(),
            Self::NoCertificateBeside { .. } => "append it, in PEM form".to_owned(),
            Self::Generation(_) => "see whether `openssl genpkey` works on this machine".to_owned(),
        }
    }

    /// The whole sentence.
    pub fn told(&self) -> String {
        format!("{self}; {}", self.remedy())
    }
}

impl Concern {
    /// What to do about it.
    pub fn remedy(&self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            (Self::NotYetValid(_), _) => "see whether this machine's clock is right",
            (_, Purpose::Signing) => "plan a roll-over by saml.next_certificate",
            (_, Purpose::SigningForOne) => "give the SP the certificate of a new key, then name both in its TOML",
            (_, Purpose::Decryption) => {
                "add a new key to saml.decryption_keys, and take this one out when every SP encrypts to the new one"
            }
        }
    }
}
