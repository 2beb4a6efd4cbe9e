//! `[[authproc]]` and `[[saml.authproc]]`: the filters of the global and the identity provider's level.

use serde::Deserialize;
use toml::de::ValueDeserializer;

use super::fault::Complaint;
use super::reader::Section;
use crate::authproc::FilterConfig;

/// Reads every table of `[[authproc]]` in `section`; what is wrong inside a table is told by the filter.
pub(super) fn read(section: &Section<'_>) -> Vec<FilterConfig> {
    let mut filters = Vec::new();
    for table in section.tables("authproc") {
        match FilterConfig::deserialize(ValueDeserializer::from(table.clone())) {
            Ok(filter) => filters.push(filter),
            Err(error) => {
                let place = error.span().unwrap_or_else(|| table.span());
                // The pipeline ends its sentences with the remedy.
                let told = error.message();
                let (message, remedy) = told.rsplit_once(": ").unwrap_or((told, "correct the filter"));
                let complaint = Complaint::wrong(message, remedy);
                section.complain_at("authproc", Some(place), complaint);
            }
        }
    }
    filters
}
