#!/usr/bin/env bash
# A private Apache with two real SAML 2.0 service providers, each on its own host name of one address:
#   https://mellon.contoso.lab  mod_auth_mellon        https://shib.contoso.lab  Shibboleth SP
# Each prints as JSON what it received. Point them at an identity provider:
#   apache-sp.sh idp METADATA-FILE-or-URL
LAB_NAME=apache-sp
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
D=$LAB_STATE/apache-sp IP=$LAB_APPS_IP PKI=$LAB_STATE/pki
M=/usr/lib/apache2/modules
CURL=(curl -sS --noproxy '*' --cacert "$PKI/ca.pem")

conf() {
  local m
  {
    echo "ServerRoot $D"; echo "PidFile $D/run/httpd.pid"; echo "DefaultRuntimeDir $D/run"; echo "Mutex file:$D/run"
    for m in mpm_event authn_core authz_core authz_user authz_host env setenvif mime dir alias headers rewrite cgid ssl socache_shmcb reqtimeout \
             auth_mellon shib log_config unixd; do
      if [ -e "$M/mod_$m.so" ]; then echo "LoadModule ${m}_module $M/mod_$m.so"; fi
    done | sed 's/LoadModule shib_module/LoadModule mod_shib/'
    cat <<CNF
User www-data
Group www-data
ServerName apps.contoso.lab
ServerTokens Prod
ScriptSock $D/run/cgisock
StartServers 1
ServerLimit 8
ThreadsPerChild 25
MaxRequestWorkers 100
LimitRequestFieldSize 65536
TypesConfig /etc/mime.types
ErrorLog $LAB_STATE/log/apache-sp.error.log
LogLevel ${LAB_APACHE_LOG:-info auth_mellon:debug}
LogFormat "%v %h %u \"%r\" %>s %b" v
CustomLog $LAB_STATE/log/apache-sp.access.log v
Listen $IP:443
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLSessionCache shmcb:$D/run/ssl(512000)
SSLCertificateFile $PKI/apps.crt
SSLCertificateKeyFile $D/tls.key
DocumentRoot $D/htdocs
<Directory $D/htdocs>
  Require all granted
</Directory>
<Directory $D/cgi>
  Require all granted
  Options +ExecCGI
  SetHandler cgi-script
</Directory>
ScriptAliasMatch ^/(?!mellon/|Shibboleth\\.sso)(.*)\$ $D/cgi/show.cgi
# without this mod_shib answers "Require valid-user" for every other module too
ShibCompatValidUser On
ShibConfig $D/shib/shibboleth2.xml

<VirtualHost $IP:443>
  ServerName apps.contoso.lab
  SSLEngine on
</VirtualHost>

<VirtualHost $IP:443>
  ServerName mellon.contoso.lab
  SSLEngine on
  <Location />
    MellonEndpointPath /mellon
    MellonSPPrivateKeyFile $D/mellon/sp.key
    MellonSPCertFile $D/mellon/sp.cert
    MellonSPMetadataFile $D/mellon/sp.xml
$( [ -s "$D/idp/idp.xml" ] && echo "    MellonIdPMetadataFile $D/idp/idp.xml" )
    MellonSecureCookie On
    MellonCookieSameSite None
    MellonMergeEnvVars On ";"
    MellonSetEnvNoPrefix "NAME_ID" "NAME_ID"

    MellonSignatureMethod rsa-sha256
  </Location>
  <Location /auth>
    AuthType Mellon
    MellonEnable auth
    Require valid-user
  </Location>
  # forces a fresh sign-in and asks for a class of authentication
  <Location /step-up>
    AuthType Mellon
    MellonEnable auth
    MellonAuthnContextClassRef urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport
    Require valid-user
  </Location>
</VirtualHost>

<VirtualHost $IP:443>
  ServerName shib.contoso.lab
  SSLEngine on
  UseCanonicalName On
  <Location /Shibboleth.sso>
    SetHandler shib
    Require all granted
  </Location>
  <Location /auth>
    AuthType shibboleth
    ShibRequestSetting requireSession 1
    Require shib-session
  </Location>
</VirtualHost>
CNF
  } >"$D/httpd.conf"
}
shib_conf() {
  local idp; idp=$(cat "$D/idp/entityid" 2>/dev/null || echo http://fs.contoso.lab/adfs/services/trust)
  mkdir -p "$D/shib"
  cp -n /etc/shibboleth/{attribute-policy.xml,security-policy.xml,protocols.xml} "$D/shib/" 2>/dev/null || true
  cp /etc/shibboleth/*.html "$D/shib/"
  [ -s "$D/shib/sp-key.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=shib.contoso.lab -keyout "$D/shib/sp-key.pem" -out "$D/shib/sp-cert.pem" 2>/dev/null
  cat >"$D/shib/shibd.logger" <<CNF
log4j.rootCategory=${LAB_SHIB_LOG:-INFO}, f
log4j.appender.f=org.apache.log4j.FileAppender
log4j.appender.f.fileName=$LAB_STATE/log/shibd.log
log4j.appender.f.layout=org.apache.log4j.PatternLayout
log4j.appender.f.layout.ConversionPattern=%d{%Y-%m-%d %H:%M:%S} %p %c %x: %m%n
log4j.category.Shibboleth-TRANSACTION=INFO
CNF
  cat >"$D/shib/native.logger" <<CNF
log4j.rootCategory=WARN, f
log4j.appender.f=org.apache.log4j.SyslogAppender
log4j.appender.f.syslogName=shib
log4j.appender.f.layout=org.apache.log4j.BasicLayout
CNF
  # Claim types of AD FS under short names; values also when the name format is not "uri"
  { echo '<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    local c i=http://schemas.xmlsoap.org/ws/2005/05/identity/claims m=http://schemas.microsoft.com/ws/2008/06/identity/claims
    for c in $i/upn $i/name $i/givenname $i/surname $i/emailaddress $i/nameidentifier $i/privatepersonalidentifier $m/windowsaccountname $m/role $m/groupsid $m/primarysid \
             $m/authenticationmethod $m/authenticationinstant http://schemas.xmlsoap.org/claims/Group http://schemas.xmlsoap.org/claims/CommonName \
             http://schemas.xmlsoap.org/claims/UPN http://schemas.xmlsoap.org/claims/EmailAddress http://schemas.microsoft.com/claims/authnmethodsreferences uid mail upn; do
      printf '  <Attribute name="%s" id="%s"/>\n' "$c" "${c##*/}"
      printf '  <Attribute name="%s" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified" id="%s"/>\n' "$c" "${c##*/}"
      printf '  <Attribute name="%s" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" id="%s"/>\n' "$c" "${c##*/}"
      case $c in http*) printf '  <Attribute name="%s" nameFormat="%s" id="%s"/>\n' "${c##*/}" "${c%/*}" "${c##*/}" ;; esac
    done
    for c in persistent transient; do printf '  <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:%s" id="%s-id"><AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name" defaultQualifiers="true"/></Attribute>\n' $c $c; done
    for c in emailAddress unspecified WindowsDomainQualifiedName; do printf '  <Attribute name="urn:oasis:names:tc:SAML:1.1:nameid-format:%s" id="nameid-%s"><AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name" defaultQualifiers="true"/></Attribute>\n' $c $c; done
    echo '</Attributes>'; } >"$D/shib/attribute-map.xml"
  cat >"$D/shib/shibboleth2.xml" <<CNF
<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180" logger="$D/shib/shibd.logger">
  <OutOfProcess logger="$D/shib/shibd.logger"/>
  <InProcess logger="$D/shib/native.logger"><ISAPI normalizeRequest="true"/></InProcess>
  <UnixListener address="$D/run/shibd.sock"/>
  <StorageService type="Memory" id="mem" cleanupInterval="900"/>
  <SessionCache type="StorageService" StorageService="mem" cacheTimeout="3600" inprocTimeout="900" cleanupInterval="900"/>
  <ReplayCache StorageService="mem"/>
  <ArtifactMap artifactTTL="180"/>
  <RequestMapper type="Native"><RequestMap><Host name="shib.contoso.lab"><Path name="x"/></Host></RequestMap></RequestMapper>
  <ApplicationDefaults entityID="https://shib.contoso.lab/shibboleth" REMOTE_USER="upn nameidentifier persistent-id nameid-unspecified nameid-emailAddress transient-id"
      signing="front" signingAlg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" encryption="false">
    <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false" handlerSSL="true" cookieProps="https" redirectLimit="exact">
      <SSO entityID="$idp" id="saml2" isDefault="true">SAML2</SSO>
      <Logout>SAML2 Local</Logout>
      <Handler type="MetadataGenerator" Location="/Metadata" signing="false"/>
      <Handler type="Status" Location="/Status" acl="127.0.0.0/8"/>
      <Handler type="Session" Location="/Session" showAttributeValues="true"/>
    </Sessions>
    <Errors supportContact="root@localhost" metadata="$D/shib/metadataError.html" access="$D/shib/accessError.html" ssl="$D/shib/sslError.html"
      session="$D/shib/sessionError.html" localLogout="$D/shib/localLogout.html" globalLogout="$D/shib/globalLogout.html"/>
$( [ -s "$D/idp/idp.xml" ] && echo "    <MetadataProvider type=\"XML\" validate=\"false\" path=\"$D/idp/idp.xml\"/>" )
    <AttributeExtractor type="XML" validate="false" path="$D/shib/attribute-map.xml"/>
    <CredentialResolver type="File" use="signing" key="$D/shib/sp-key.pem" certificate="$D/shib/sp-cert.pem"/>
    <CredentialResolver type="File" use="encryption" key="$D/shib/sp-key.pem" certificate="$D/shib/sp-cert.pem"/>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="/etc/shibboleth/security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" reloadChanges="false" path="/etc/shibboleth/protocols.xml"/>
</SPConfig>
CNF
}
start() {
  if ! running shibd; then
    rm -f "$D/run/shibd.sock" "$D/run/shibd.pid"
    start_bg shibd shibd -f -F -c "$D/shib/shibboleth2.xml" -p "$D/run/shibd.pid"
    local i; for i in $(seq 1 100); do [ -S "$D/run/shibd.sock" ] && break; running shibd || break; sleep 0.1; done
    [ -S "$D/run/shibd.sock" ] || { tail -5 "$LAB_STATE/log/shibd.log" >&2; die "shibd did not start"; }
    chmod 777 "$D/run/shibd.sock"
  fi
  if ! running apache-sp; then
    rm -f "$D/run/httpd.pid"
    apache2 -f "$D/httpd.conf" -t >>"$LAB_STATE/log/apache-sp.log" 2>&1 || { tail -5 "$LAB_STATE/log/apache-sp.log" >&2; die "configuration"; }
    apache2 -f "$D/httpd.conf" -k start >>"$LAB_STATE/log/apache-sp.log" 2>&1 9>&- || { tail -5 "$LAB_STATE/log/apache-sp.error.log" >&2; die "Apache"; }
    adopt_pidfile apache-sp "$D/run/httpd.pid"
  fi
  wait_tcp "$IP" 443 || die "port 443"
}
stop() { stop_pid apache-sp; stop_pid shibd; }
fetch() { lab_apt apache-sp apache2 libapache2-mod-auth-mellon libapache2-mod-shib; }
up() {
  need_root; local t; t=$(now)
  fetch
  claim apache-sp "$IP" 443
  [ -s "$PKI/apps.crt" ] || "$LAB_DIR/pki.sh" up
  mkdir -p "$D"/{run,htdocs,cgi,mellon,shib,idp,metadata}; chown www-data "$D/run"
  install -m 600 "$PKI/apps.key" "$D/tls.key"
  install -m 755 "$LAB_DIR/tools/show.cgi.py" "$D/cgi/show.cgi"
  hosts_add apache-sp "$IP apps.contoso.lab mellon.contoso.lab shib.contoso.lab"
  if [ ! -s "$D/mellon/sp.xml" ]; then
    ( cd "$D/mellon" && mellon_create_metadata https://mellon.contoso.lab/mellon/metadata https://mellon.contoso.lab/mellon >/dev/null 2>&1
      mv ./*.key sp.key; mv ./*.cert sp.cert; mv ./*.xml sp.xml; chmod 644 sp.*; chown www-data sp.key; chmod 600 sp.key )
  fi
  shib_conf; conf; start
  "${CURL[@]}" https://mellon.contoso.lab/mellon/metadata -o "$D/metadata/mellon.xml" || true
  grep -q EntityDescriptor "$D/metadata/mellon.xml" 2>/dev/null || cp "$D/mellon/sp.xml" "$D/metadata/mellon.xml"
  "${CURL[@]}" https://shib.contoso.lab/Shibboleth.sso/Metadata -o "$D/metadata/shib.xml" || true
  took apache-sp:up "$t"
  envs
}
envs() {
  env_write apache-sp LAB_MELLON_URL=https://mellon.contoso.lab/auth LAB_MELLON_METADATA="$D/metadata/mellon.xml" \
    LAB_SHIB_URL=https://shib.contoso.lab/auth LAB_SHIB_METADATA="$D/metadata/shib.xml" LAB_APACHE_SP="$LAB_DIR/apache-sp.sh"
}
idp_file() {
  local src=$D/idp/source.xml
  case $1 in http*) curl -sSfkL --noproxy '*' "$1" -o "$src" ;; *) cp "$1" "$src" ;; esac
  "$PY" "$LAB_DIR/tools/idp_metadata.py" "$src" "$D/idp/idp.xml" >"$D/idp/entityid"
}
reload() { stop; shib_conf; conf; start; }
prove() {
  has "mellon metadata" 'entityID="https://mellon.contoso.lab/mellon/metadata"' cat "$D/metadata/mellon.xml"
  has "shib metadata" 'entityID="https://shib.contoso.lab/shibboleth"' "${CURL[@]}" https://shib.contoso.lab/Shibboleth.sso/Metadata
  has "shibd status" 'StatusHandler' "${CURL[@]}" https://shib.contoso.lab/Shibboleth.sso/Status
  has "open page shows the request" '"host": "apps.contoso.lab"' "${CURL[@]}" https://apps.contoso.lab/x
  if [ -s "$D/idp/idp.xml" ]; then
    has "mellon sends an AuthnRequest" '[?&]SAMLRequest=[^&]+.*SigAlg=[^&]*rsa-sha256' "${CURL[@]}" -c "$D/run/jar" -b "$D/run/jar" -L --max-redirs 1 -o /dev/null -w '%{redirect_url}' https://mellon.contoso.lab/auth
    has "shib sends an AuthnRequest" 'SAMLRequest' "${CURL[@]}" -L --max-redirs 0 -w '%{redirect_url}' https://shib.contoso.lab/auth
  fi
  verdict
}
case ${1:-} in
  fetch) fetch ;; up) up ;; down) stop; hosts_del apache-sp ;; status) stat_line apache-sp; stat_line shibd ;; prove) prove ;;
  idp) idp_file "$2"; reload; echo "IdP: $(cat "$D/idp/entityid")" ;;
  purge) "$0" down; rm -rf "$D" "$LAB_STATE/env/apache-sp.sh" ;;
  *) usage ;;
esac
