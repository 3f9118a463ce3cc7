//! Queries of the Active Directory attribute store against the embedded directory.

use std::collections::{HashMap, HashSet};

use configuration::{DirectoryGroup, DirectoryUser};
use store::Kind;

use super::entry::{Entry, Object, sid_text};
use super::names::guid_of;
use super::{EmbeddedDirectory, from_document, unavailable};
use crate::filter::{Assertion, Filter, Test};
use crate::{AttributeQuery, DirectoryError};

/// Objects that one query looks at when no index helps.
const SCANNED: usize = 10_000;
/// Objects that one query returns at most.
const ROWS: usize = 1_000;
/// Objects read at a time while scanning.
const PAGE: usize = 500;

/// How to find the only objects that a filter can match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Lookup {
    Sam(String),
    Upn(String),
    Mail(String),
    Sid(String),
    Guid(String),
}

/// SIDs of the groups of each object that a `member` assertion names.
type Members = HashMap<Vec<u8>, MemberOf>;

#[derive(Default)]
struct MemberOf {
    direct: HashSet<String>,
    all: HashSet<String>,
}

impl EmbeddedDirectory {
    pub(super) async fn search(
        &self,
        query: &AttributeQuery,
    ) -> Result<Vec<Vec<Vec<String>>>, DirectoryError> {
        if !self.domain.is_named(&query.domain) {
            return Err(DirectoryError::Query(format!(
                "'{}' is not a domain of this directory; expected {} or {}",
                query.domain, self.domain.netbios, self.domain.dns
            )));
        }
        let attributes: Vec<String> =
            query.attributes.iter().map(|attribute| attribute.trim().to_lowercase()).collect();
        if attributes.iter().any(|attribute| attribute == "member") {
            let advice =
                "the members of a group can't be read here; ask for memberOf or tokenGroups of the user";
            return Err(DirectoryError::Query(advice.to_owned()));
        }
        let filter = Filter::parse(&query.filter)?;
        let members = self.members(&filter).await?;
        let needs_groups = attributes.iter().any(|attribute| is_about_groups(attribute))
            || filter.assertions().iter().any(|assertion| is_about_groups(&assertion.attribute));

        let mut rows = Vec::new();
        let mut found = match lookups(&filter, &self.domain, &members) {
            Some(lookups) => Search::Indexed(lookups.into_iter().collect()),
            None => Search::Scan { kind: Kind::DirectoryUser, after: None, seen: 0 },
        };
        while let Some(objects) = self.next_objects(&mut found).await? {
            for object in &objects {
                let memberships = if needs_groups { self.memberships(object).await? } else { Vec::new() };
                let entry = Entry { domain: &self.domain, object, memberships: &memberships };
                let holds = |assertion: &Assertion| match (assertion.attribute.as_str(), &assertion.test) {
                    ("member", Test::Equal(name)) => {
                        members.get(name).is_some_and(|groups| groups.direct.contains(object.sid()))
                    }
                    ("member", Test::InChain(name)) => {
                        members.get(name).is_some_and(|groups| groups.all.contains(object.sid()))
                    }
                    _ => entry.holds(assertion),
                };
                if filter.evaluate(&holds) {
                    if rows.len() == ROWS {
                        return Err(DirectoryError::Query(format!(
                            "more than {ROWS} objects match the LDAP filter '{}'; make it narrower",
                            query.filter
                        )));
                    }
                    rows.push(attributes.iter().map(|attribute| entry.values(attribute)).collect());
                }
            }
        }
        Ok(rows)
    }

    /// The groups of the objects that the filter's `member` assertions name.
    async fn members(&self, filter: &Filter) -> Result<Members, DirectoryError> {
        let mut members = Members::new();
        for assertion in filter.assertions() {
            let ("member", Test::Equal(name) | Test::InChain(name)) =
                (assertion.attribute.as_str(), &assertion.test)
            else {
                continue;
            };
            let mut groups = MemberOf::default();
            let sam = self.domain.sam_of(&String::from_utf8_lossy(name));
            for object in self.look_up(&sam.map(Lookup::Sam)).await? {
                for membership in self.memberships(&object).await? {
                    if membership.direct {
                        groups.direct.insert(membership.sid.clone());
                    }
                    groups.all.insert(membership.sid);
                }
            }
            members.insert(name.clone(), groups);
        }
        Ok(members)
    }

    async fn next_objects(&self, search: &mut Search) -> Result<Option<Vec<Object>>, DirectoryError> {
        match search {
            Search::Indexed(lookups) => {
                let lookup = lookups.pop();
                if lookup.is_none() { Ok(None) } else { Ok(Some(self.look_up(&lookup).await?)) }
            }
            Search::Scan { kind, after, seen } => {
                let page = self.store.list(*kind, after.as_deref(), PAGE).await.map_err(unavailable)?;
                *seen = seen.saturating_add(page.len());
                if *seen > SCANNED {
                    return Err(DirectoryError::Query(format!(
                        "the LDAP filter would look at more than {SCANNED} objects; add sAMAccountName, userPrincipalName, mail, objectSid, objectGUID or distinguishedName"
                    )));
                }
                match (page.last(), *kind) {
                    (Some(last), _) => *after = Some(last.id.clone()),
                    (None, Kind::DirectoryUser) => (*kind, *after) = (Kind::DirectoryGroup, None),
                    (None, _) => return Ok(None),
                }
                page.into_iter().map(object_of).collect::<Result<_, _>>().map(Some)
            }
        }
    }

    async fn look_up(&self, lookup: &Option<Lookup>) -> Result<Vec<Object>, DirectoryError> {
        use Kind::{DirectoryGroup as Group, DirectoryUser as User};
        let places = match lookup {
            None => vec![],
            Some(Lookup::Sam(name)) => vec![(User, "sam", name), (Group, "sam", name)],
            Some(Lookup::Upn(name)) => vec![(User, "upn", name)],
            Some(Lookup::Mail(address)) => vec![(User, "mail", address)],
            Some(Lookup::Sid(sid)) => vec![(User, "sid", sid), (Group, "sid", sid)],
            Some(Lookup::Guid(guid)) => vec![(User, "guid", guid)],
        };
        let mut objects = Vec::new();
        for (kind, index, value) in places {
            let document = self.store.find(kind, index, value).await.map_err(unavailable)?;
            objects.extend(document.map(object_of).transpose()?);
        }
        Ok(objects)
    }
}

enum Search {
    Indexed(Vec<Lookup>),
    Scan { kind: Kind, after: Option<String>, seen: usize },
}

fn object_of(document: store::Document) -> Result<Object, DirectoryError> {
    match document.kind {
        Kind::DirectoryGroup => from_document::<DirectoryGroup>(document).map(Object::Group),
        _ => from_document::<DirectoryUser>(document).map(Object::User),
    }
}

fn is_about_groups(attribute: &str) -> bool {
    attribute == "memberof" || attribute.starts_with("tokengroups")
}

/// Lookups whose objects are the only ones that can match; `None` when there is no such list.
fn lookups(filter: &Filter, domain: &super::names::Domain, members: &Members) -> Option<HashSet<Lookup>> {
    match filter {
        Filter::And(filters) => {
            let known = filters.iter().filter_map(|filter| lookups(filter, domain, members));
            known.min_by_key(HashSet::len)
        }
        Filter::Or(filters) => {
            let each = filters.iter().map(|filter| lookups(filter, domain, members));
            each.collect::<Option<Vec<_>>>().map(|sets| sets.into_iter().flatten().collect())
        }
        Filter::Not(_) => None,
        Filter::Assertion(Assertion { attribute, test: Test::Equal(value) }) => {
            let text = String::from_utf8_lossy(value).to_lowercase();
            let lookup = match attribute.as_str() {
                "samaccountname" | "cn" | "name" => Some(Lookup::Sam(text)),
                "userprincipalname" => Some(Lookup::Upn(text)),
                "mail" => Some(Lookup::Mail(text)),
                "objectsid" => Some(Lookup::Sid(sid_text(value).to_uppercase())),
                "objectguid" => <[u8; 16]>::try_from(value.as_slice())
                    .ok()
                    .map(|octets| Lookup::Guid(guid_of(octets).to_string())),
                "distinguishedname" => domain.sam_of(&text).map(Lookup::Sam),
                "member" => {
                    let groups = members.get(value)?;
                    return Some(groups.direct.iter().cloned().map(Lookup::Sid).collect());
                }
                _ => return None,
            };
            Some(lookup.into_iter().collect())
        }
        Filter::Assertion(Assertion { attribute, test: Test::InChain(value) }) if attribute == "member" => {
            members.get(value).map(|groups| groups.all.iter().cloned().map(Lookup::Sid).collect())
        }
        Filter::Assertion(_) => None,
    }
}
