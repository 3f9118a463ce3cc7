//! Users and groups as LDAP entries with the attributes of Active Directory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{DirectoryGroup, DirectoryUser};

use super::groups::Membership;
use super::names::{Domain, guid_octets};
use crate::filter::{Assertion, Test};

/// Relative identifier of Domain Users, the primary group of every user here.
pub(super) const PRIMARY_GROUP: u32 = 513;

/// Attributes that this directory makes by itself; lower case.
pub(super) const OPERATIONAL: &[&str] = &[
    "cn",
    "displayname",
    "distinguishedname",
    "grouptype",
    "member",
    "memberof",
    "name",
    "objectclass",
    "objectguid",
    "objectsid",
    "primarygroupid",
    "pwdlastset",
    "samaccountname",
    "samaccounttype",
    "tokengroups",
    "unicodepwd",
    "useraccountcontrol",
    "userpassword",
    "userprincipalname",
];

/// An object of the directory.
pub(super) enum Object {
    User(DirectoryUser),
    Group(DirectoryGroup),
}

impl Object {
    /// SIDs of the groups it is a direct member of.
    pub(super) fn member_of(&self) -> &[String] {
        match self {
            Self::User(user) => &user.member_of,
            Self::Group(group) => &group.member_of,
        }
    }

    pub(super) fn sid(&self) -> &str {
        match self {
            Self::User(user) => &user.object_sid,
            Self::Group(group) => &group.object_sid,
        }
    }

    fn sam(&self) -> &str {
        match self {
            Self::User(user) => &user.sam_account_name,
            Self::Group(group) => &group.sam_account_name,
        }
    }
}

/// An object with its memberships, which are empty unless the query needs them.
pub(super) struct Entry<'a> {
    pub(super) domain: &'a Domain,
    pub(super) object: &'a Object,
    pub(super) memberships: &'a [Membership],
}

impl Entry<'_> {
    /// Values of an attribute, named in lower case; empty when there are none.
    pub(super) fn values(&self, attribute: &str) -> Vec<String> {
        let one = |value: &str| vec![value.to_owned()];
        match attribute {
            "samaccountname" | "cn" | "name" => one(self.object.sam()),
            "distinguishedname" => vec![self.domain.distinguished_name(self.object.sam())],
            "objectsid" => one(self.object.sid()),
            "memberof" => self.names(true).map(|name| self.domain.distinguished_name(name)).collect(),
            "tokengroups" => self.names(false).map(str::to_owned).collect(),
            "tokengroups(domainqualifiedname)" => {
                self.names(false).map(|name| self.domain.qualified(name)).collect()
            }
            "tokengroups(longdomainqualifiedname)" => {
                self.names(false).map(|name| format!("{}\\{name}", self.domain.dns)).collect()
            }
            "tokengroups(sid)" => self.memberships.iter().map(|membership| membership.sid.clone()).collect(),
            _ => match self.object {
                Object::User(user) => user_values(user, attribute),
                Object::Group(_) => group_values(attribute),
            },
        }
    }

    /// Names of groups that exist: all, or only those it is a direct member of.
    fn names(&self, only_direct: bool) -> impl Iterator<Item = &str> {
        let wanted = self.memberships.iter().filter(move |membership| membership.direct || !only_direct);
        wanted.filter_map(|membership| membership.group.as_ref()).map(|group| group.sam_account_name.as_str())
    }

    /// Whether an assertion holds. `member` is for the caller, who knows the member's groups.
    pub(super) fn holds(&self, assertion: &Assertion) -> bool {
        match (assertion.attribute.as_str(), &assertion.test) {
            ("objectguid", Test::Equal(octets)) => match self.object {
                Object::User(user) => guid_octets(user.object_guid).as_slice() == octets,
                Object::Group(_) => false,
            },
            ("objectsid", Test::Equal(octets)) => sid_text(octets).eq_ignore_ascii_case(self.object.sid()),
            ("distinguishedname", Test::Equal(name)) => self.is_named(name, self.object.sam()),
            ("memberof", Test::Equal(name)) => self.names(true).any(|group| self.is_named(name, group)),
            ("memberof", Test::InChain(name)) => self.names(false).any(|group| self.is_named(name, group)),
            (attribute, test) => test.holds(&self.values(attribute)),
        }
    }

    fn is_named(&self, distinguished_name: &[u8], sam: &str) -> bool {
        let name = String::from_utf8_lossy(distinguished_name);
        self.domain.sam_of(&name).is_some_and(|named| named == sam.to_lowercase())
    }
}

/// A SID of a filter, given as text or in its binary form.
pub(super) fn sid_text(octets: &[u8]) -> String {
    super::names::sid_of(octets).unwrap_or_else(|| String::from_utf8_lossy(octets).into_owned())
}

fn user_values(user: &DirectoryUser, attribute: &str) -> Vec<String> {
    let one = |value: &str| vec![value.to_owned()];
    match attribute {
        "objectclass" => ["top", "person", "organizationalPerson", "user"].map(str::to_owned).to_vec(),
        "userprincipalname" => one(&user.user_principal_name),
        "displayname" => one(&user.display_name),
        "objectguid" => vec![STANDARD.encode(guid_octets(user.object_guid))],
        // NORMAL_ACCOUNT, ACCOUNTDISABLE ([MS-ADTS] 2.2.16).
        "useraccountcontrol" => one(if user.disabled { "514" } else { "512" }),
        "primarygroupid" => vec![PRIMARY_GROUP.to_string()],
        "samaccounttype" => one("805306368"),
        // 100 ns since 1601; 0 means that the password must be changed ([MS-ADA3] 2.175).
        "pwdlastset" if user.must_change_password => one("0"),
        "pwdlastset" => {
            let since_1970 = user.pwd_last_set.as_micros();
            vec![since_1970.saturating_add(11_644_473_600_000_000).saturating_mul(10).to_string()]
        }
        _ => {
            let found = user.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
            found.map(|(_, values)| values.clone()).unwrap_or_default()
        }
    }
}

fn group_values(attribute: &str) -> Vec<String> {
    match attribute {
        "objectclass" => vec!["top".to_owned(), "group".to_owned()],
        "samaccounttype" => vec!["268435456".to_owned()],
        // A global security group.
        "grouptype" => vec!["-2147483646".to_owned()],
        _ => vec![],
    }
}
