//! A farm of three machines, each in a network of its own behind one switch: join, follow, switch over and back. The
//! runbook "Switch-over of the primary server" is executed from its own text.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use end_to_end::node::{Network, Node, make_pfx};
use end_to_end::runbook::blocks;
use end_to_end::{Curl, Response};

const HOST: &str = "fs.contoso.com";
const REALM: &str = "urn:farm:app";
const USER: &str = "alice@contoso.com";
const PASSWORD: &str = "Sekisho-Farm-1";
/// Longest wait for a node that asks another one.
const SOON: Duration = Duration::from_secs(20);

/// Address of a node.
fn address(number: usize) -> String {
    format!("10.9.0.{number}")
}

struct Farm {
    nodes: Vec<Node>,
    switch: Network,
    folder: tempfile::TempDir,
}

impl Farm {
    /// Three machines; the first one has a farm with a user and a trust, the others have joined it.
    fn of_three() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("hosts");
        let lines = (1..=3).map(|number| format!("{} fs0{number}.contoso.com\n", address(number)));
        std::fs::write(&hosts, format!("127.0.0.1 localhost\n{}", lines.collect::<String>())).unwrap();
        let switch = Network::new()?;
        switch.become_switch("10.9.0.254/24");
        make_pfx(folder.path(), HOST);
        let pfx = folder.path().join("tls.pfx").display().to_string();
        let (mut nodes, mut used) = (Vec::new(), None);
        for number in 1..=3 {
            let network = Network::of_machine(&format!("fs0{number}.contoso.com"), &hosts)?;
            switch.plug(&network, &format!("port{number}"), &format!("{}/24", address(number)));
            let mut node = Node::bare(network, HOST);
            let thumbprint = node.import(&pfx);
            match nodes.first() {
                None => {
                    let output = node.install_farm(&["-CertificateThumbprint", &thumbprint]);
                    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                }
                Some(first) => Self::join(first, &node, &thumbprint, &mut used),
            }
            node.start();
            node.wait_until_told(|line| line == "READY=1");
            if number == 1 {
                node.run_commands(&format!(
                    "New-SekishoUser -UserPrincipalName {USER} -Password {PASSWORD}\n\
                     Add-AdfsRelyingPartyTrust -Name App -Identifier {REALM} -WSFedEndpoint https://app.contoso.com/ \
                     -IssuanceAuthorizationRules '=> issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", \
                     Value = \"true\");' \
                     -IssuanceTransformRules 'c:[Type == \"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn\"] => \
                     issue(claim = c);'\n"
                ));
            }
            nodes.push(node);
        }
        Some(Self { nodes, switch, folder })
    }

    /// Joins a machine to the farm of the first one. A token lets in one machine, once.
    fn join(first: &Node, node: &Node, thumbprint: &str, used: &mut Option<String>) {
        let join = |token: &str| {
            let primary = ["-PrimaryComputerName", "fs01.contoso.com"];
            let more = ["-CertificateThumbprint", thumbprint, "-JoinToken", token];
            node.output(&[&["Add-AdfsFarmNode"], &primary[..], &more[..]].concat())
        };
        if let Some(used) = used {
            let refused = join(used);
            let text = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && text.contains("was used already"), "{text}");
        }
        let token = first.json(&["New-SekishoJoinToken"])["JoinToken"].as_str().unwrap().to_owned();
        let joined = join(&token);
        assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
        *used = Some(token);
    }

    fn node(&mut self, name: &str) -> &mut Node {
        let number: usize = name.trim_start_matches("fs0").parse().unwrap();
        &mut self.nodes[number - 1]
    }

    /// A browser that the load balancer sends to this node.
    fn browser(&self, number: usize) -> Curl {
        let ca = self.folder.path().join("ca.pem").display().to_string();
        let resolve = format!("{HOST}:443:{}", address(number));
        Curl::new(&ca).within(&self.switch, "10.9.0.254").with(&["--resolve", &resolve])
    }

    /// Waits until the property of the node's synchronisation has this value.
    fn wait_for_sync(&mut self, name: &str, property: &str, value: &str) {
        let begun = Instant::now();
        loop {
            let sync = self.node(name).json(&["Get-AdfsSyncProperties"]);
            if sync[property] == value && sync["LastSyncStatus"] == 0 {
                return;
            }
            assert!(begun.elapsed() < SOON, "{name}: {sync}; {}", self.node(name).errors());
        }
    }

    /// Waits until the node has these notes on the trust.
    fn wait_for_notes(&mut self, name: &str, notes: &str) -> Duration {
        let begun = Instant::now();
        loop {
            let trust = self.node(name).json(&["Get-AdfsRelyingPartyTrust", "-Name", "App"]);
            if trust["Notes"] == notes {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < SOON, "{name}: {}; {}", trust["Notes"], self.node(name).errors());
        }
    }

    fn set_notes(&mut self, name: &str, notes: &str) {
        let line = format!("Set-AdfsRelyingPartyTrust -TargetName App -Notes '{notes}'\n");
        self.node(name).run_commands(&line);
    }
}

fn wsignin() -> String {
    format!("https://{HOST}/adfs/ls/?wa=wsignin1.0&wtrealm={REALM}")
}

fn issued(page: &Response) -> bool {
    page.status == 200 && page.field("wresult").is_some()
}

/// Security case 90. Step B6 of the document, with sign-ins on the nodes that run all the time.
#[test]
fn the_primary_server_fails_comes_back_and_takes_over_again() {
    let Some(mut farm) = Farm::of_three() else {
        eprintln!("SKIPPED: networks of one's own cannot be made here (unshare --net --uts --mount)");
        return;
    };

    // One sign-in holds on every node.
    let first = farm.browser(1);
    assert!(issued(&first.sign_in(&wsignin(), USER, PASSWORD)), "a password on fs01");
    for number in [2, 3] {
        let other = farm.browser(number);
        other.set_jar(&first.jar());
        let page = other.get(&wsignin());
        assert!(issued(&page), "the session of fs01 on fs0{number}: {page}");
        assert!(
            issued(&farm.browser(number).sign_in(&wsignin(), USER, PASSWORD)),
            "a password on fs0{number}"
        );
    }
    // A change arrives, long before the next poll; on a secondary it is refused with the primary's name.
    farm.set_notes("fs01", "first");
    assert!(farm.wait_for_notes("fs02", "first") < Duration::from_secs(10));
    farm.wait_for_notes("fs03", "first");
    let refused = farm.node("fs02").output(&["Set-AdfsProperties", "-DisplayName", "Elsewhere"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("PS0033") && text.contains("fs01"), "{text}");
    let information = farm.node("fs01").json(&["Get-AdfsFarmInformation"]);
    assert_eq!(information["FarmNodes"].as_array().unwrap().len(), 3, "{information}");

    // From here on somebody signs in all the time.
    let blocks = blocks("switch-over.md");
    let order: Vec<&str> = blocks.iter().map(|block| block.node.as_str()).collect();
    assert_eq!(order, ["fs02", "fs03", "fs01", "fs01", "fs02", "fs03"]);
    let browsers: Vec<Curl> = [2, 3].into_iter().map(|number| farm.browser(number)).collect();
    browsers.iter().for_each(|browser| browser.set_jar(&first.jar()));
    let (ended, signed_in) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                for browser in &browsers {
                    let page = browser.get(&wsignin());
                    assert!(issued(&page), "{page}");
                    signed_in.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        // However the steps end, the thread ends.
        let steps =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| switch_over(&mut farm, &blocks)));
        ended.store(true, Ordering::SeqCst);
        let busy = busy.join();
        if let Err(failure) = steps {
            std::panic::resume_unwind(failure);
        }
        busy.unwrap();
    });
    assert!(signed_in.load(Ordering::SeqCst) > 10);
}

fn switch_over(farm: &mut Farm, blocks: &[end_to_end::runbook::Block]) {
    let [promote, repoint, demote, promote_again, demote_second, repoint_again] = blocks else { panic!() };
    farm.node("fs01").kill();
    farm.node("fs02").run_commands(&promote.text);
    farm.node("fs03").run_commands(&repoint.text);
    farm.set_notes("fs02", "while fs01 was away");
    farm.wait_for_notes("fs03", "while fs01 was away");

    // fs01 returns, and is no primary any more: nothing can be changed there.
    farm.node("fs01").start();
    farm.node("fs01").wait_until_told(|line| line == "READY=1");
    let refused = farm.node("fs01").output(&["Set-AdfsProperties", "-DisplayName", "Split"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("PS0033") && text.contains("fs02"), "{text}");
    assert!(
        farm.node("fs01").errors().contains("another server was promoted"),
        "{}",
        farm.node("fs01").errors()
    );
    farm.node("fs01").run_commands(&demote.text);
    farm.wait_for_sync("fs01", "LastSyncFromPrimaryComputerName", "fs02.contoso.com");
    farm.wait_for_notes("fs01", "while fs01 was away");

    farm.node("fs01").run_commands(&promote_again.text);
    farm.node("fs02").run_commands(&demote_second.text);
    farm.node("fs03").run_commands(&repoint_again.text);
    farm.wait_for_sync("fs02", "LastSyncFromPrimaryComputerName", "fs01.contoso.com");
    farm.set_notes("fs01", "back again");
    farm.wait_for_notes("fs02", "back again");
    farm.wait_for_notes("fs03", "back again");
    assert_eq!(farm.node("fs01").json(&["Get-AdfsSyncProperties"])["Role"], "PrimaryComputer");
}
