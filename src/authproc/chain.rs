//! The filters of three levels in the order of their priorities, and the release at the end.

use std::sync::Arc;

use super::{Context, Filter, FilterConfig, FilterError};
use crate::identity::Attributes;

/// Filters a chain may have; nobody writes more by hand, and each sign-on runs them all.
const MOST_FILTERS: usize = 500;

/// The pipeline of one service provider, ready to run.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    filters: Vec<Arc<dyn Filter>>,
}

/// A chain cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// More filters than a chain may have.
    #[error(
        "{count} authproc filters are more than {MOST_FILTERS}: merge some (an AttributeMap takes many pairs)"
    )]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

impl Chain {
    /// Merges the levels: lower priorities first; at the same priority the global filters before the identity
    /// provider's before the service provider's, and those of one level in the order of the file.
    pub fn build(
        global: &[FilterConfig],
        idp: &[FilterConfig],
        sp: &[FilterConfig],
    ) -> Result<Self, ChainError> {
        let mut configs: Vec<&FilterConfig> = global.iter().chain(idp).chain(sp).collect();
        if configs.len() > MOST_FILTERS {
            return Err(ChainError::TooMany { count: configs.len() });
        }
        configs.sort_by_key(|config| config.priority());
        Ok(Self { filters: configs.into_iter().map(FilterConfig::filter).collect() })
    }

    /// What leaves for the service provider: every filter, then the release.
    pub fn run(&self, attributes: Attributes, context: &Context<'_>) -> Result<Attributes, FilterError> {
        Ok(self.release(self.apply(attributes, context)?, context))
    }

    /// The attributes after the last filter, before the release: what a computed NameID may be taken from.
    pub fn apply(
        &self,
        mut attributes: Attributes,
        context: &Context<'_>,
    ) -> Result<Attributes, FilterError> {
        for filter in &self.filters {
            attributes = filter.apply(attributes, context)?;
        }
        Ok(attributes)
    }

    /// What the list in force lets through. Nothing is released that nobody asked for: without a list, and without an
    /// AttributeLimit that has one, nothing.
    pub fn release(&self, mut attributes: Attributes, context: &Context<'_>) -> Attributes {
        match context.release_list() {
            Some(list) => attributes.retain(|name, _| list.iter().any(|listed| listed == name)),
            None if self.has_release_list() => {}
            None => return Attributes::new(),
        }
        attributes
    }

    /// The names of the filters in the order in which they run.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.filters.iter().map(|filter| filter.name())
    }

    /// Whether an AttributeLimit with a list of its own counts as the release list.
    pub fn has_release_list(&self) -> bool {
        self.filters.iter().any(|filter| filter.has_release_list())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Value;

    fn configs(text: &str) -> Vec<FilterConfig> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            authproc: Vec<FilterConfig>,
        }
        toml::from_str::<File>(text).unwrap().authproc
    }

    fn add(priority: i64, value: &str) -> FilterConfig {
        toml::from_str(&format!(
            "priority = {priority}\nfilter = \"AttributeAdd\"\nadd = {{ t = \"{value}\" }}"
        ))
        .unwrap()
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[derive(Debug)]
    struct Broken;
    impl Filter for Broken {
        fn name(&self) -> &'static str {
            "Broken"
        }
        fn apply(&self, _: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
            Err(FilterError::Unevaluable { filter: "Broken", cause: "no such thing".to_owned() })
        }
    }

    #[test]
    fn levels_merge_by_priority_and_are_stable() {
        let global = [add(50, "g50"), add(10, "g10"), add(50, "g50b")];
        let chain =
            Chain::build(&global, &[add(50, "i50"), add(-1, "i-1")], &[add(50, "s50"), add(49, "s49")])
                .unwrap();
        let after = chain.apply(Attributes::new(), &Context::default()).unwrap();
        let order: Vec<_> = after.values("t").unwrap().iter().filter_map(Value::as_text).collect();
        assert_eq!(order, ["i-1", "g10", "s49", "g50", "g50b", "i50", "s50"]);
    }

    #[test]
    fn the_ancestors_example_releases_what_its_service_provider_lists() {
        let sp = configs(
            r#"
            [[authproc]]
            priority = 50
            filter = "AttributeMap"
            map = { uid = "seciosssystemid", sAMAccountName = "seciosssystemid" }
            [[authproc]]
            priority = 60
            filter = "AttributeAdd"
            add = { seciossallowedservice = [""] }
            [[authproc]]
            priority = 100
            filter = "AttributeLimit"
            "#,
        );
        let chain = Chain::build(&[], &[], &sp).unwrap();
        assert_eq!(chain.names().collect::<Vec<_>>(), ["AttributeMap", "AttributeAdd", "AttributeLimit"]);
        let names = list(&["seciosssystemid", "seciossallowedservice"]);
        let context = Context { sp_attributes: Some(&names), ..Context::default() };
        for key in ["uid", "sAMAccountName"] {
            let person = [(key, vec!["tanaka"]), ("mail", vec!["t@x.jp"])].into_iter().collect();
            let expected: Attributes =
                [("seciosssystemid", vec!["tanaka"]), ("seciossallowedservice", vec![""])]
                    .into_iter()
                    .collect();
            assert_eq!(chain.run(person, &context).unwrap(), expected, "{key}");
        }
    }

    #[test]
    fn nothing_is_released_that_nobody_asked_for() {
        let person = || -> Attributes { [("uid", vec!["u"]), ("mail", vec!["m"])].into_iter().collect() };
        let names = |a: &Attributes| a.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>();
        let (uid, mail, none) = (list(&["uid"]), list(&["mail"]), list(&[]));
        let bare = Chain::default();
        let limit = "[[authproc]]\npriority = 1\nfilter = \"AttributeLimit\"\n";
        let empty = Chain::build(&configs(limit), &[], &[]).unwrap();
        let own = Chain::build(&configs(&format!("{limit}attributes = [\"uid\"]")), &[], &[]).unwrap();
        let context = |sp, idp| Context { sp_attributes: sp, idp_attributes: idp, answers: None };
        let cases: [(&Chain, Context<'_>, &[&str]); 8] = [
            (&bare, context(None, None), &[]),
            (&empty, context(None, None), &[]),
            (&own, context(None, None), &["uid"]),
            (&bare, context(Some(&uid), Some(&mail)), &["uid"]),
            (&bare, context(None, Some(&mail)), &["mail"]),
            (&bare, context(Some(&none), Some(&mail)), &[]),
            (&own, context(Some(&mail), None), &[]),
            (&own, context(Some(&uid), None), &["uid"]),
        ];
        for (at, (chain, context, expected)) in cases.into_iter().enumerate() {
            assert_eq!(names(&chain.run(person(), &context).unwrap()), expected, "case {at}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_evaluated_refuses() {
        let chain = Chain { filters: vec![Arc::new(Broken)] };
        let listed = list(&["uid"]);
        let context = Context { sp_attributes: Some(&listed), ..Context::default() };
        let refused = chain.run([("uid", vec!["u"])].into_iter().collect(), &context).unwrap_err();
        assert!(matches!(refused, FilterError::Unevaluable { filter: "Broken", .. }));
    }

    #[test]
    fn a_chain_is_bounded() {
        let many: Vec<_> = (0..=500).map(|n| add(n, "v")).collect();
        assert_eq!(Chain::build(&many, &[], &[]).unwrap_err(), ChainError::TooMany { count: 501 });
    }
}
