//! csdr that dies at a given call: for the tests of what a kill leaves.
//!
//! Two variables of the environment, besides what csdr itself takes:
//!
//! * `CSDR_FAULT=vault:before:7`: SIGKILL before (or `after`) the 7th call to the vault (or `cluster`: source and target).
//! * `CSDR_FAULT_COUNT=FILE`: at the end, writes how many calls there were: `vault 31 cluster 12`.

use csdr_examples::cli::{Hooks, run};
use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
use std::{
    env,
    io::{self, Write},
    process::exit,
    sync::Arc,
};

fn main() {
    let (vault, cluster) = match plans() {
        Ok(plans) => plans,
        Err(wrong) => {
            // Nothing is left to be told about a standard error that cannot be written.
            let _ = writeln!(io::stderr(), "csdr-fault: {wrong}");
            exit(2);
        }
    };
    let (store, source, target, applier) = (
        vault.clone(),
        cluster.clone(),
        cluster.clone(),
        cluster.clone(),
    );
    let hooks = Hooks::default()
        .with_vault(Arc::new(move |inner| {
            Arc::new(Faulty::new(inner, store.clone()))
        }))
        .with_collector(Arc::new(move |inner| {
            Arc::new(Faulty::new(inner, source.clone()))
        }))
        .with_target(Arc::new(move |inner| {
            Arc::new(Faulty::new(inner, target.clone()))
        }))
        .with_applier(Arc::new(move |inner| {
            Arc::new(Faulty::new(inner, applier.clone()))
        }));
    let code = run(env::args_os(), hooks);
    if let Some(file) = env::var_os("CSDR_FAULT_COUNT") {
        let counts = format!("vault {} cluster {}", vault.count(), cluster.count());
        if let Err(error) = std::fs::write(file, counts) {
            let _ = writeln!(io::stderr(), "csdr-fault: cannot write the counts: {error}");
            exit(2);
        }
    }
    exit(code);
}

/// The plans of both sides.
fn plans() -> Result<(Plan, Plan), String> {
    let (vault, cluster) = (Plan::new(), Plan::new());
    let Ok(text) = env::var("CSDR_FAULT") else {
        return Ok((vault, cluster));
    };
    let wrong = || format!("CSDR_FAULT={text}: write it as vault:before:7 or cluster:after:7");
    let mut words = text.split(':');
    let (Some(side), Some(moment), Some(call), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong());
    };
    let moment = match moment {
        "before" => Moment::Before,
        "after" => Moment::After,
        _ => return Err(wrong()),
    };
    let call = call.parse().map_err(|_| wrong())?;
    match side {
        "vault" => Ok((vault.at(call, moment, Fault::kill()), cluster)),
        "cluster" => Ok((vault, cluster.at(call, moment, Fault::kill()))),
        _ => Err(wrong()),
    }
}
