//! Claim type URIs that the product itself writes or reads.

macro_rules! claim_types {
    ($($(#[$doc:meta])* $name:ident = $uri:literal;)*) => { $($(#[$doc])* pub const $name: &str = $uri;)* };
}

claim_types! {
    /// User principal name.
    UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
    /// UPN made of the account name and the domain, whatever the UPN attribute says.
    IMPLICIT_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/implicitupn";
    /// `DOMAIN\user`.
    NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
    /// E-mail address.
    EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    /// Given name.
    GIVEN_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
    /// Surname.
    SURNAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname";
    /// The subject's name identifier in SAML tokens.
    NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
    /// `DOMAIN\user`, the account that signed in.
    WINDOWS_ACCOUNT_NAME = "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname";
    /// Role.
    ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    /// Group name.
    GROUP = "http://schemas.xmlsoap.org/claims/Group";
    /// Common name.
    COMMON_NAME = "http://schemas.xmlsoap.org/claims/CommonName";
    /// SID of the user.
    PRIMARY_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid";
    /// SID of a group.
    GROUP_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid";
    /// SID of the primary group.
    PRIMARY_GROUP_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid";
    /// SID of a group that can only deny.
    DENY_ONLY_SID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/denyonlysid";
    /// SID of the user, usable to deny only.
    DENY_ONLY_PRIMARY_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/denyonlyprimarysid";
    /// SID of the primary group, usable to deny only.
    DENY_ONLY_PRIMARY_GROUP_SID = "http://schemas.microsoft.com/ws/2008/06/identity/claims/denyonlyprimarygroupsid";
    /// How the user signed in.
    AUTHENTICATION_METHOD = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod";
    /// When the user signed in, XML dateTime in UTC.
    AUTHENTICATION_INSTANT = "http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant";
    /// Every method used, one claim each.
    AUTHN_METHODS_REFERENCES = "http://schemas.microsoft.com/claims/authnmethodsreferences";
    /// Whether the request came from inside, `true` or `false`.
    INSIDE_CORPORATE_NETWORK = "http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork";
    /// Address of the client.
    CLIENT_IP = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-ip";
    /// Address that a front end saw, set by a header.
    FORWARDED_CLIENT_IP = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-forwarded-client-ip";
    /// Name of the client application, set by a header.
    CLIENT_APPLICATION = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-application";
    /// User agent.
    CLIENT_USER_AGENT = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-user-agent";
    /// Name of the proxy the request came through.
    PROXY = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-proxy";
    /// Path of the endpoint that was asked.
    ENDPOINT_PATH = "http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-endpoint-absolute-path";
    /// Identifier of the relying party trust.
    RELYING_PARTY_TRUST_ID = "http://schemas.microsoft.com/2012/01/requestcontext/claims/relyingpartytrustid";
    /// Correlation id of the request.
    CLIENT_REQUEST_ID = "http://schemas.microsoft.com/2012/01/requestcontext/claims/client-request-id";
    /// Address of the user (2016 and later).
    USER_IP = "http://schemas.microsoft.com/2014/09/requestcontext/claims/userip";
    /// Authorization: the user may have a token.
    PERMIT = "http://schemas.microsoft.com/authorization/claims/permit";
    /// Authorization: the user may not, whatever else permits.
    DENY = "http://schemas.microsoft.com/authorization/claims/deny";
}

/// Claim property keys that steer SAML output; each is [`PROPERTY_PREFIX`] and a name.
pub const PROPERTY_PREFIX: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/";

claim_types! {
    /// Format of the NameID.
    PROPERTY_FORMAT = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format";
    /// NameQualifier of the NameID.
    PROPERTY_NAME_QUALIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/namequalifier";
    /// SPNameQualifier of the NameID.
    PROPERTY_SP_NAME_QUALIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/spnamequalifier";
    /// SPProvidedID of the NameID.
    PROPERTY_SP_PROVIDED_ID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/spprovidedid";
    /// NameFormat of a SAML 2.0 attribute.
    PROPERTY_ATTRIBUTE_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/attributename";
}

/// Authentication method: a password typed into a page over TLS.
pub const METHOD_PASSWORD_PROTECTED_TRANSPORT: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
