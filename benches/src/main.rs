//! How much of a signing core's work becomes tokens.
//!
//! One run measures, in turns so that a drifting machine changes both alike: raw RSA-2048 signatures on one
//! core, and tokens issued from an SSO cookie by a server pinned to that core, with its journal on and synced,
//! over kept-alive TLS. The share of the second in the first is the figure. Beside it: time to ready, and
//! resident memory at rest and after the load.
//!
//! Started by `cargo xtask bench`; `--raw SECONDS` is the part that signs, run pinned as a process of its own.

mod client;
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use client::{Connection, Result, trusting};
use server::Demo;

/// Turns of each kind; the medians are quoted.
const TURNS: usize = 7;
/// Length of a turn.
const TURN: Duration = Duration::from_secs(2);
/// Connections of the load, kept alive.
const CONNECTIONS: usize = 32;
/// Share of raw signing that is aimed at.
const GOAL: f64 = 85.0;
/// The core of the server and of the raw signatures; the load runs on the others.
const CORE: &str = "0";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--raw") => {
            let seconds: f64 = arguments.next().ok_or("--raw wants seconds")?.parse()?;
            println!("{}", raw_signatures(Duration::from_secs_f64(seconds))?);
            Ok(())
        }
        Some(sekisho) => bench(sekisho),
        None => Err("expected the path of the sekisho binary".into()),
    }
}

fn bench(sekisho: &str) -> Result<()> {
    let first = Demo::start(sekisho, CORE, true)?;
    let ready_first = first.ready;
    first.stop()?;
    let mut ready: Vec<f64> = Vec::new();
    for _ in 0..5 {
        let demo = Demo::start(sekisho, CORE, false)?;
        ready.push(demo.ready.as_secs_f64() * 1_000.0);
        demo.stop()?;
    }
    let demo = Demo::start(sekisho, CORE, false)?;
    let idle = demo.resident_megabytes()?;

    println!(
        "time to ready, first start (makes keys, users)   {:8.0} ms",
        ready_first.as_secs_f64() * 1_000.0
    );
    println!("time to ready, later starts (median of 5)        {:8.0} ms   goal < 100", median(&mut ready));
    println!("resident memory, idle                            {idle:8.1} MB   goal < 25");

    for (name, target) in [
        ("WS-Federation, SAML 1.1", "/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3ademo%3awsfed".to_owned()),
        ("SAML 2.0", format!("/adfs/ls/?SAMLRequest={}", demo.saml_request()?)),
    ] {
        measure(&demo, name, &target)?;
    }
    println!("resident memory, after the load                  {:8.1} MB", demo.resident_megabytes()?);
    demo.stop()
}

fn measure(demo: &Demo, name: &str, target: &str) -> Result<()> {
    let cookie = demo.sign_in(target)?;
    // A check that what is measured is a token, and warm caches.
    issue(demo, target, &cookie, Duration::from_millis(300))?;
    let (mut raw, mut tokens, mut shares, mut busy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let before = demo.thread_seconds()?;
    let mut issued = 0.0;
    for _ in 0..TURNS {
        let signatures = pinned_raw_signatures()?;
        let (count, percent) = issue(demo, target, &cookie, TURN)?;
        issued += f64::from(count);
        let rate = f64::from(count) / TURN.as_secs_f64();
        raw.push(signatures);
        tokens.push(rate);
        shares.push(100.0 * rate / signatures);
        busy.push(percent);
    }
    let (raw, tokens, share) = (median(&mut raw), median(&mut tokens), median(&mut shares));
    println!(
        "\n{name} from an SSO cookie, server on one core, median of {TURNS} turns of {} s",
        TURN.as_secs()
    );
    println!("  raw RSA-2048 signatures                        {raw:8.0} /s");
    println!("  tokens                                         {tokens:8.0} /s");
    println!("  share                                          {share:8.1} %    goal >= {GOAL}");
    println!("  work besides the signature                     {:8.0} us a token", 1e6 / tokens - 1e6 / raw);
    println!("  the server's core was busy                     {:8.1} %", median(&mut busy));
    if share < GOAL {
        println!("  what limits: processor time of the threads, us a token");
        let mut threads: Vec<(String, f64)> = demo
            .thread_seconds()?
            .into_iter()
            .map(|(name, now)| (name.clone(), now - before.get(&name).copied().unwrap_or_default()))
            .collect();
        threads.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        for (name, spent) in threads.into_iter().filter(|(_, spent)| *spent > 0.0) {
            println!("    {name:<40}     {:8.0}", 1e6 * spent / issued);
        }
    }
    Ok(())
}

/// Issues tokens for `length`; the number, and the share of one core that the server used.
fn issue(demo: &Demo, target: &str, cookie: &str, length: Duration) -> Result<(u32, f64)> {
    let config = trusting(&demo.ca_file)?;
    let cpu = demo.cpu_seconds()?;
    let start = Instant::now();
    let total = std::thread::scope(|scope| -> Result<u32> {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let config = config.clone();
                scope.spawn(move || -> Result<u32> {
                    let mut connection = Connection::open(&demo.host, demo.port, config)?;
                    let mut count = 0;
                    while start.elapsed() < length {
                        let answer = connection.send("GET", target, cookie, "")?;
                        let token = [&b"wresult"[..], b"SAMLResponse"]
                            .iter()
                            .any(|field| contains(&answer.body, field));
                        if answer.status != 200 || !token {
                            return Err(format!("no token: status {}", answer.status).into());
                        }
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        let mut total = 0;
        for worker in workers {
            total += worker.join().map_err(|_| "a client thread failed")??;
        }
        Ok(total)
    })?;
    let busy = 100.0 * (demo.cpu_seconds()? - cpu) / start.elapsed().as_secs_f64();
    Ok((total, busy))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

fn pinned_raw_signatures() -> Result<f64> {
    let own = std::env::current_exe()?;
    let output = Command::new("taskset")
        .args(["-c", CORE])
        .arg(own)
        .args(["--raw", &TURN.as_secs().to_string()])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Signatures in a second, on the core this process may use.
fn raw_signatures(length: Duration) -> Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let random = aws_lc_rs::rand::SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < length {
        key.sign(&RSA_PKCS1_SHA256, &random, &[7; 900], &mut signature)?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
