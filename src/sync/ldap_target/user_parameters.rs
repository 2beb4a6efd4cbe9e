//! [`UserParameters`]: what terminal services keep of a user inside `userParameters` of Active Directory (\[MS-TSTS\] 2.3.1
//! and 2.3.2): a text of 48 reserved characters, the signature `P`, and properties, whose lengths and values are written as
//! characters too.
//!
//! The attribute is older than terminal services and others write into it as well: the reserved characters, properties
//! that nobody here knows and what stands behind the last one stay as they are. What is none of this is not touched at all
//! ([`Foreign`]).

use data_encoding::HEXLOWER_PERMISSIVE;

/// How many characters stand before the signature.
const RESERVED: usize = 48;
const BLANK: u16 = 0x20;
const SIGNATURE: u16 = b'P' as u16;
/// `PROP_TYPE_ITEM`
const ITEM: u16 = 1;

/// Without this one all others are ignored by terminal services.
const PRESENT: &str = "CtxCfgPresent";
const PRESENT_VALUE: u32 = 0xB00B_1E55;
const FLAGS: &str = "CtxCfgFlags1";
const LOGON_DISABLED: u32 = 0x0001_0000;
/// Of somebody without flags: the client's drives and printers are connected, its printer is the default one, and the
/// program at the start is the server's.
const FIRST_FLAGS: u32 = 0x1000_E000;

/// What can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    HomeDirectory,
    HomeDrive,
    ProfilePath,
    AllowLogon,
}

/// Paths by which rules name the settings, as ADSI does.
const SETTINGS: [(&str, Setting); 4] = [
    ("TerminalServicesHomeDirectory", Setting::HomeDirectory),
    ("TerminalServicesHomeDrive", Setting::HomeDrive),
    ("TerminalServicesProfilePath", Setting::ProfilePath),
    ("TerminalServicesAllowLogon", Setting::AllowLogon),
];

impl Setting {
    /// The setting that a path names, in any case.
    pub(super) fn of(path: &str) -> Option<Self> {
        SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(path)).map(|(_, setting)| *setting)
    }

    /// All, with their paths.
    pub(super) fn all() -> impl Iterator<Item = (&'static str, Self)> {
        SETTINGS.into_iter()
    }

    /// The property of a text; newer servers have a second one, with a W behind the name, in UTF-16.
    fn property(self) -> Option<&'static str> {
        match self {
            Self::HomeDirectory => Some("CtxWFHomeDir"),
            Self::HomeDrive => Some("CtxWFHomeDirDrive"),
            Self::ProfilePath => Some("CtxWFProfilePath"),
            Self::AllowLogon => None,
        }
    }
}

/// Why a value is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("it is no text")]
    NoText,
    #[error("it has no signature of terminal services")]
    Signature,
    #[error("a property of it does not end where it should")]
    Length,
    #[error("its flags are no number")]
    Flags,
    #[error("it would become longer than can be told in it")]
    TooLong,
}

/// The value, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserParameters {
    reserved: Vec<u16>,
    properties: Vec<Property>,
    /// Behind the properties that are counted.
    rest: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Property {
    name: Vec<u16>,
    kind: u16,
    /// Two hexadecimal digits in each.
    value: Vec<u16>,
}

impl Default for UserParameters {
    fn default() -> Self {
        Self { reserved: vec![BLANK; RESERVED], properties: Vec::new(), rest: Vec::new() }
    }
}

impl UserParameters {
    /// Of the octets that the directory gives, UTF-8.
    pub(super) fn parse(octets: &[u8]) -> Result<Self, Foreign> {
        let text = std::str::from_utf8(octets).map_err(|_| Foreign::NoText)?;
        let mut units = Units(text.encode_utf16().collect());
        let mut reserved = units.take(units.0.len().min(RESERVED))?;
        reserved.resize(RESERVED, BLANK);
        // Before terminal services there were these alone.
        if units.0.is_empty() {
            return Ok(Self { reserved, ..Self::default() });
        }
        if units.number()? != SIGNATURE {
            return Err(Foreign::Signature);
        }
        let count = units.number()?;
        let mut properties = Vec::new();
        for _ in 0..count {
            let (name, value, kind) = (units.length()?, units.length()?, units.number()?);
            properties.push(Property { kind, name: units.take(name)?, value: units.take(value)? });
        }
        let parsed = Self { reserved, properties, rest: units.0 };
        parsed.flags()?;
        Ok(parsed)
    }

    /// The text that the directory gets; none where nothing is in it.
    pub(super) fn text(&self) -> Result<Option<String>, Foreign> {
        if *self == Self::default() {
            return Ok(None);
        }
        let number = |of: usize| u16::try_from(of).map_err(|_| Foreign::TooLong);
        let mut units = self.reserved.clone();
        units.extend([SIGNATURE, number(self.properties.len())?]);
        for property in &self.properties {
            units.extend([
                number(property.name.len() * 2)?,
                number(property.value.len() * 2)?,
                property.kind,
            ]);
            units.extend(&property.name);
            units.extend(&property.value);
        }
        units.extend(&self.rest);
        // A length among the surrogates of UTF-16 is no text.
        String::from_utf16(&units).map(Some).map_err(|_| Foreign::TooLong)
    }

    /// A setting as a text; whether somebody may log on is `true` or `false` always.
    pub(super) fn get(&self, setting: Setting) -> Option<String> {
        let present = self.number(PRESENT) == Some(PRESENT_VALUE);
        let Some(name) = setting.property() else {
            let flags = self.number(FLAGS).filter(|_| present).unwrap_or_default();
            return Some((flags & LOGON_DISABLED == 0).to_string());
        };
        let wide = || {
            let octets = self.octets(&format!("{name}W"))?;
            let units: Vec<u16> = octets.chunks_exact(2).map(little).collect();
            String::from_utf16(units.split(|unit| *unit == 0).next()?).ok()
        };
        let narrow = || {
            let octets = self.octets(name)?;
            String::from_utf8(octets.split(|octet| *octet == 0).next()?.to_vec()).ok()
        };
        let text = if present { wide().filter(|text| !text.is_empty()).or_else(narrow) } else { None };
        text.filter(|text| !text.is_empty())
    }

    /// Sets it, or takes it away; who has nothing set may log on. What says the same already stays as it is written.
    pub(super) fn set(&mut self, setting: Setting, value: Option<&str>) -> Result<(), Foreign> {
        let value = value.filter(|text| !text.is_empty());
        let default = (setting == Setting::AllowLogon).then_some("true");
        if self.get(setting).as_deref() == value.or(default) {
            return Ok(());
        }
        self.make_present()?;
        let Some(name) = setting.property() else {
            let flags = self.flags()?.unwrap_or(FIRST_FLAGS) & !LOGON_DISABLED;
            let disabled = if value == Some("false") { LOGON_DISABLED } else { 0 };
            self.put(FLAGS, Some(&(flags | disabled).to_le_bytes()));
            return Ok(());
        };
        let wide =
            value.map(|text| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        // Which code page a server reads the other one in is not told.
        let narrow = value.filter(|text| text.is_ascii()).map(|text| [text.as_bytes(), &[0]].concat());
        self.put(name, narrow.as_deref());
        self.put(&format!("{name}W"), wide.as_deref());
        Ok(())
    }

    /// With what the others need to be looked at.
    fn make_present(&mut self) -> Result<(), Foreign> {
        if self.number(PRESENT) != Some(PRESENT_VALUE) {
            self.put(PRESENT, Some(&PRESENT_VALUE.to_le_bytes()));
        }
        if self.flags()?.is_none() {
            self.put(FLAGS, Some(&FIRST_FLAGS.to_le_bytes()));
        }
        Ok(())
    }

    fn flags(&self) -> Result<Option<u32>, Foreign> {
        match self.property(FLAGS) {
            Some(_) => self.number(FLAGS).map(Some).ok_or(Foreign::Flags),
            None => Ok(None),
        }
    }

    fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.is(name))
    }

    fn octets(&self, name: &str) -> Option<Vec<u8>> {
        let digits: Vec<u8> = self.property(name)?.value.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        HEXLOWER_PERMISSIVE.decode(&digits).ok()
    }

    fn number(&self, name: &str) -> Option<u32> {
        Some(u32::from_le_bytes(self.octets(name)?.try_into().ok()?))
    }

    fn put(&mut self, name: &str, octets: Option<&[u8]>) {
        let Some(octets) = octets else { return self.properties.retain(|property| !property.is(name)) };
        let value = HEXLOWER_PERMISSIVE.encode(octets).as_bytes().chunks_exact(2).map(little).collect();
        match self.properties.iter_mut().find(|property| property.is(name)) {
            Some(property) => property.value = value,
            None => {
                self.properties.push(Property { name: name.encode_utf16().collect(), kind: ITEM, value });
            }
        }
    }
}

impl Property {
    fn is(&self, name: &str) -> bool {
        self.name.iter().copied().eq(name.encode_utf16())
    }
}

fn little(two: &[u8]) -> u16 {
    two.iter().rev().fold(0, |number, octet| number << 8 | u16::from(*octet))
}

/// What is left to be read.
struct Units(Vec<u16>);

impl Units {
    fn take(&mut self, count: usize) -> Result<Vec<u16>, Foreign> {
        if count > self.0.len() {
            return Err(Foreign::Length);
        }
        let rest = self.0.split_off(count);
        Ok(std::mem::replace(&mut self.0, rest))
    }

    fn number(&mut self) -> Result<u16, Foreign> {
        self.take(1)?.first().copied().ok_or(Foreign::Length)
    }

    /// It is told in octets.
    fn length(&mut self) -> Result<usize, Foreign> {
        let octets = self.number()?;
        if octets % 2 == 0 { Ok(usize::from(octets / 2)) } else { Err(Foreign::Length) }
    }
}

#[cfg(test)]
mod tests;
