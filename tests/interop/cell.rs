//! The axes of the matrix: how people sign on, as whom, and how they sign out.

/// How the AuthnRequest goes and how the assertion comes back. A rig has one service for each, with each [`Format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignOn {
    /// An unsigned request by HTTP-Redirect.
    Redirect,
    /// A request by HTTP-Redirect with a signature over the query.
    SignedRedirect,
    /// A request by HTTP-POST with an enveloped signature.
    SignedPost,
    /// A signed request by HTTP-Redirect; the assertion is encrypted.
    Encrypted,
    /// A signed request by HTTP-Redirect; the Response is fetched for an artifact.
    Artifact,
    /// The SP's request by PAOS, sent on by a client that has the password.
    Ecp,
}

/// The format of the NameID that the SP asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Persistent,
    Transient,
    EmailAddress,
    Unspecified,
}

/// Who begins to sign out, and whether all others in the session answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogOut {
    pub by: By,
    pub one_dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    Sp,
    Idp,
}

/// By which binding a service takes and begins logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogOutBinding {
    Redirect,
    Post,
    /// Told by SOAP; what the SP begins goes by redirect.
    Soap,
}

/// One service of a rig: an SP of its own, with its own entityID and policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    pub on: SignOn,
    pub format: Format,
}

impl SignOn {
    pub const ALL: [Self; 6] =
        [Self::Redirect, Self::SignedRedirect, Self::SignedPost, Self::Encrypted, Self::Artifact, Self::Ecp];

    pub fn is_signed(self) -> bool {
        self != Self::Redirect
    }

    /// The bindings of logout are spread over the services, so that each has its turn.
    pub fn logout(self) -> LogOutBinding {
        match self {
            Self::Redirect | Self::Encrypted => LogOutBinding::Redirect,
            Self::SignedPost => LogOutBinding::Post,
            Self::SignedRedirect | Self::Artifact | Self::Ecp => LogOutBinding::Soap,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::SignedRedirect => "signed-redirect",
            Self::SignedPost => "signed-post",
            Self::Encrypted => "encrypted",
            Self::Artifact => "artifact",
            Self::Ecp => "ecp",
        }
    }
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Persistent, Self::Transient, Self::EmailAddress, Self::Unspecified];

    pub fn uri(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Transient => "transient",
            Self::EmailAddress => "email",
            Self::Unspecified => "unspecified",
        }
    }
}

impl LogOut {
    pub const ALL: [Self; 4] = [
        Self { by: By::Sp, one_dead: false },
        Self { by: By::Idp, one_dead: false },
        Self { by: By::Sp, one_dead: true },
        Self { by: By::Idp, one_dead: true },
    ];
}

impl Service {
    /// Another service in the same session, which is told of logout by another binding. It has another NameID:
    /// mod_auth_mellon looks for sessions by NameID alone, in one table for all its services.
    pub fn beside(self) -> Self {
        let on = match self.on.logout() {
            LogOutBinding::Soap => SignOn::Redirect,
            LogOutBinding::Redirect | LogOutBinding::Post => SignOn::SignedRedirect,
        };
        let format = if self.format == Format::Persistent { Format::Transient } else { Format::Persistent };
        Self { on, format }
    }

    /// Its name in paths and files.
    pub fn name(self) -> String {
        format!("{}-{}", self.on.name(), self.format.name())
    }
}
