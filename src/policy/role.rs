//! Roles in law and contract: those that rules and requirements are for, and those that an estate's organizations have.
//!
//! Input: the roles that a rule or a requirement states, and documents of kind Organization. Output: whether it binds.
//! In doubt it does: an estate that states no roles, or whose Organization cannot be read, is bound by everything.

use std::collections::BTreeSet;

use crate::finding::with_article;
use crate::yaml::NodeRef;

/// The roles of the organizations of an estate, all of them together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    stated: BTreeSet<String>,
    is_doubtful: bool,
}

impl Roles {
    /// These roles, without a doubt.
    pub fn of<'r>(roles: impl IntoIterator<Item = &'r str>) -> Self {
        Self { stated: roles.into_iter().map(str::to_owned).collect(), is_doubtful: false }
    }

    /// Takes in an Organization that keeps the schema of its kind, by the root of its document.
    pub fn add_organization(&mut self, root: NodeRef<'_>) {
        let Some(roles) = root.at(["spec", "roles"]) else { return self.doubt() };
        self.stated.extend(roles.elements().map(|role| role.text().to_owned()));
    }

    /// Takes in an Organization whose roles cannot be told.
    pub fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Adds what other files say.
    pub fn add(&mut self, other: Self) {
        self.stated.extend(other.stated);
        self.is_doubtful |= other.is_doubtful;
    }

    /// The roles, in the order of their names; none if they are not known: no Organization states any, or one of them
    /// cannot be read.
    pub fn known(&self) -> Option<&BTreeSet<String>> {
        Some(&self.stated).filter(|stated| !stated.is_empty() && !self.is_doubtful)
    }

    /// Whether what is for these roles binds; what names no role is for everybody.
    pub fn bind(&self, wanted: &[String]) -> bool {
        self.known().is_none_or(|known| wanted.is_empty() || wanted.iter().any(|role| known.contains(role)))
    }

    /// Why what is for these roles does not bind; nothing if it does.
    pub fn reason_against(&self, wanted: &[String]) -> Option<String> {
        let known = self.known().filter(|_| !self.bind(wanted))?;
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Some(format!("binds {}; the estate states {}", with_article(&wanted.join(" or ")), known.join(", ")))
    }

    /// Whether less binds by these roles than by `former` ones.
    pub fn is_narrower_than(&self, former: &Self) -> bool {
        match (former.known(), self.known()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(former), Some(known)) => !former.is_subset(known),
        }
    }
}

/// The roles as one text; `any` where they are not known.
impl std::fmt::Display for Roles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.known().map(|known| known.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        formatter.write_str(known.as_deref().unwrap_or("any"))
    }
}

/// What is wrong with a role that no Organization may have: what is for it would bind nobody.
pub(super) fn unknown_role(role: &str, known: Option<&[String]>) -> Option<String> {
    let known = known.filter(|known| !known.iter().any(|each| each == role))?;
    Some(format!("{role:?} is no role of an Organization, should be one of {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_binds() {
        let wanted = ["merchant".to_owned(), "service-provider".to_owned()];
        let doubtful = {
            let mut roles = Roles::of(["controller"]);
            roles.doubt();
            roles
        };
        for (roles, binds) in [
            (Roles::default(), true),
            (Roles::of([]), true),
            (doubtful, true),
            (Roles::of(["controller"]), false),
            (Roles::of(["controller", "merchant"]), true),
        ] {
            assert_eq!(roles.bind(&wanted), binds, "{roles}");
            assert_eq!(roles.reason_against(&wanted).is_none(), binds, "{roles}");
            assert!(roles.bind(&[]));
        }
    }

    #[test]
    fn fewer_roles_are_narrower_and_other_ones_too() {
        let roles = |list: &[&str]| Roles::of(list.iter().copied());
        for (former, now, is_narrower) in [
            (roles(&[]), roles(&[]), false),
            (roles(&["a"]), roles(&[]), false),
            (roles(&[]), roles(&["a"]), true),
            (roles(&["a"]), roles(&["a", "b"]), false),
            (roles(&["a", "b"]), roles(&["a"]), true),
            (roles(&["a"]), roles(&["b"]), true),
        ] {
            assert_eq!(now.is_narrower_than(&former), is_narrower, "{former} to {now}");
        }
    }
}
