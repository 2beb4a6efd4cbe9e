//! [`Outcome`]: what a step of a sign-on leads to, without a word of HTTP; and the closed list of sentences.

use std::fmt;

use crate::saml::acs::AcsError;
use crate::saml::binding::soap::FaultCode;
use crate::saml::binding::{BindingError, Kind};
use crate::saml::error::MessageError;
use crate::saml::signature::SignatureError;
use crate::saml::xml::XmlError;

/// What the browser is to be given.
#[derive(Debug)]
pub enum Outcome {
    /// A page that posts a Response to the SP.
    Respond(PostForm),
    /// The address that takes a reference to the Response to the SP.
    Refer(String),
    /// The envelope that an enhanced client takes to the SP.
    Envelope(Vec<u8>),
    /// The sign-in page, with the request sealed into it.
    Login {
        /// The sealed request.
        pending: String,
    },
    /// A page that says why not; nothing goes to any SP.
    Refused(Refused),
    /// The request is too old: a page that leads back to the start.
    Stale {
        /// The SP's entityID.
        sp: String,
        /// The SP as a person knows it, in English and Japanese.
        names: SpNames,
    },
}

/// An SP as a person knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpNames {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

/// A form that carries a message by POST (saml-bindings 3.5.4).
#[derive(Debug)]
pub struct PostForm {
    /// Where it is posted.
    pub location: String,
    /// Whether it is a SAMLRequest or a SAMLResponse.
    pub kind: Kind,
    /// The message in base64.
    pub message: String,
    /// The value of RelayState, to the octet.
    pub relay_state: Option<String>,
    /// The SP as a person knows it.
    pub names: SpNames,
}

/// How the answer to a SOAP request looks.
#[derive(Debug)]
pub enum SoapAnswer {
    /// An envelope with a message.
    Message(Vec<u8>),
    /// A fault.
    Fault {
        /// Whose fault it is.
        whose: FaultCode,
        /// The stable code.
        code: &'static str,
    },
}

impl SoapAnswer {
    /// The fault that a rejection becomes; its cause is in the log.
    pub(super) fn fault(rejection: &Rejection, sentence: Sentence) -> Self {
        let whose = match rejection {
            Rejection::Binding(BindingError::MustUnderstand(_)) => FaultCode::MustUnderstand,
            _ if sentence == Sentence::Unavailable => FaultCode::Server,
            _ => FaultCode::Client,
        };
        Self::Fault { whose, code: sentence.code() }
    }
}

/// A refusal that a person sees.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What the person is told.
    pub sentence: Sentence,
    /// The SP as a person knows it, where it stands.
    pub names: Option<SpNames>,
}

/// Everything that a person can be told about a refused sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sentence {
    /// The request could not be read.
    Unreadable,
    /// The application is not registered.
    UnknownServiceProvider,
    /// The application is switched off.
    Disabled,
    /// The signature of the request is missing or wrong.
    Signature,
    /// The request was meant for another place.
    Destination,
    /// The request is from the future, or its time cannot be read.
    Time,
    /// The request is too old.
    Stale,
    /// The application asks for the answer at a place that is not registered.
    Acs,
    /// RelayState cannot be kept.
    RelayState,
    /// The person may not use the application.
    NotAllowed,
    /// Something that is needed cannot be reached.
    Unavailable,
    /// A sign-out message could not be accepted.
    SignOut,
    /// The page was opened without a request, or it was changed on the way.
    NoRequest,
}

impl Sentence {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "SK-REQUEST",
            Self::UnknownServiceProvider => "SK-UNKNOWN-SP",
            Self::Disabled => "SK-DISABLED-SP",
            Self::Signature => "SK-SIGNATURE",
            Self::Destination => "SK-DESTINATION",
            Self::Time => "SK-TIME",
            Self::Stale => "SK-STALE",
            Self::Acs => "SK-ACS",
            Self::RelayState => "SK-RELAYSTATE",
            Self::NotAllowed => "SK-NOT-ALLOWED",
            Self::Unavailable => "SK-UNAVAILABLE",
            Self::SignOut => "SK-LOGOUT",
            Self::NoRequest => "SK-NO-REQUEST",
        }
    }

    /// The HTTP status that fits.
    pub fn status(self) -> u16 {
        match self {
            Self::NotAllowed => 403,
            Self::Unavailable => 503,
            Self::Unreadable
            | Self::UnknownServiceProvider
            | Self::Disabled
            | Self::Signature
            | Self::Destination
            | Self::Time
            | Self::Stale
            | Self::Acs
            | Self::RelayState
            | Self::SignOut
            | Self::NoRequest => 400,
        }
    }
}

/// Why a request goes no further: the cause for the log, mapped to a sentence in one place.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The parameters.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Nobody of this name. The words are those that administrators search for.
    #[error("Unable to locate metadata for {0}")]
    UnknownServiceProvider(String),
    /// `enabled = false`.
    #[error("the service provider {0} is disabled by its policy")]
    Disabled(String),
    /// Its metadata is no longer valid.
    #[error("the metadata of {0} is past its validUntil")]
    Expired(String),
    /// The signature.
    #[error("signature of the message from {sp}: {cause}")]
    Signature {
        /// The Issuer.
        sp: String,
        /// What is wrong.
        cause: SignatureError,
    },
    /// Destination.
    #[error("{sp}: Destination \"{destination}\" is neither this IdP's address nor one of its aliases")]
    Destination {
        /// The Issuer.
        sp: String,
        /// What it wrote.
        destination: String,
    },
    /// A signed POST must say where it goes (saml-bindings 3.5.5.2).
    #[error("{0}: a signed message by POST must have a Destination")]
    NoDestination(String),
    /// From the future.
    #[error("{sp}: IssueInstant {instant} is more than 5 minutes ahead of this IdP's clock")]
    Future {
        /// The Issuer.
        sp: String,
        /// When it says that it was made.
        instant: String,
    },
    /// Too old.
    #[error("the message from {sp} is older than {max_age}")]
    Stale {
        /// The Issuer.
        sp: String,
        /// How old it may be.
        max_age: String,
    },
    /// The place for the answer.
    #[error("{sp}: {cause}")]
    Acs {
        /// The Issuer.
        sp: String,
        /// What is wrong.
        cause: AcsError,
    },
    /// RelayState of an IdP-initiated sign-on outside the SP's prefixes.
    #[error("RelayState does not begin with one of relay_state_prefixes of {0}")]
    RelayStatePrefix(String),
    /// An enhanced client asks for an SP that is not open to them.
    #[error("{0}: enhanced clients (ECP) are not switched on for it; set ecp = true in its policy")]
    NoClients(String),
    /// A logout request is past its NotOnOrAfter.
    #[error("the LogoutRequest from {0} is past its NotOnOrAfter")]
    Over(String),
    /// A message that may come once came again.
    #[error("the message {id} from {sp} came before")]
    Replayed {
        /// The Issuer.
        sp: String,
        /// Its ID.
        id: String,
    },
    /// An answer to nothing that was asked.
    #[error("the LogoutResponse from {sp} answers no request that waits for it: InResponseTo \"{id}\"")]
    Unasked {
        /// The Issuer.
        sp: String,
        /// InResponseTo.
        id: String,
    },
    /// The sealed request was changed, or sealed by another key.
    #[error("the pending request cannot be opened: changed on the way, or session.secret changed")]
    Seal,
    /// `allow` does not let the person in.
    #[error("{login} is not in \"allow\" of {sp}")]
    NotAllowed {
        /// Who.
        login: String,
        /// Where to.
        sp: String,
    },
    /// Store, directory, key or audit.
    #[error("{0}")]
    Unavailable(String),
}

impl Rejection {
    /// Something that is needed cannot say or do its part.
    pub(super) fn unavailable(cause: impl fmt::Display) -> Self {
        Self::Unavailable(cause.to_string())
    }

    /// The Issuer or the SP that was asked for, as far as it could be read: not necessarily a registered one.
    pub fn sp(&self) -> Option<&str> {
        match self {
            Self::UnknownServiceProvider(sp)
            | Self::Disabled(sp)
            | Self::Expired(sp)
            | Self::NoDestination(sp)
            | Self::RelayStatePrefix(sp)
            | Self::NoClients(sp)
            | Self::Over(sp)
            | Self::Replayed { sp, .. }
            | Self::Unasked { sp, .. }
            | Self::Signature { sp, .. }
            | Self::Destination { sp, .. }
            | Self::Future { sp, .. }
            | Self::Stale { sp, .. }
            | Self::Acs { sp, .. }
            | Self::NotAllowed { sp, .. } => Some(sp),
            Self::Binding(_) | Self::Xml(_) | Self::Message(_) | Self::Seal | Self::Unavailable(_) => None,
        }
    }

    /// What the person is told.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Binding(BindingError::RelayState(_)) | Self::RelayStatePrefix(_) => Sentence::RelayState,
            Self::Binding(BindingError::NoMessage) | Self::Seal => Sentence::NoRequest,
            Self::Message(MessageError::IssueInstant(_)) | Self::Future { .. } => Sentence::Time,
            Self::Stale { .. } => Sentence::Stale,
            Self::Over(_) | Self::Replayed { .. } | Self::Unasked { .. } => Sentence::SignOut,
            Self::Binding(_) | Self::Xml(_) | Self::Message(_) => Sentence::Unreadable,
            Self::UnknownServiceProvider(_) => Sentence::UnknownServiceProvider,
            Self::Disabled(_) | Self::Expired(_) | Self::NoClients(_) => Sentence::Disabled,
            Self::Signature { .. } => Sentence::Signature,
            Self::Destination { .. } | Self::NoDestination(_) => Sentence::Destination,
            Self::Acs { .. } => Sentence::Acs,
            Self::NotAllowed { .. } => Sentence::NotAllowed,
            Self::Unavailable(_) => Sentence::Unavailable,
        }
    }
}
