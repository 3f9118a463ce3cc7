//! The commands that a runbook of the book prints.

use std::path::Path;

/// A block of commands and the node on which they are typed.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// Name after the language of the block: ```` ```powershell fs01 ````.
    pub node: String,
    /// The lines, as printed.
    pub text: String,
}

/// All blocks of a page of `docs/src/runbooks` that are marked with a node, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/runbooks").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("\n```powershell ") {
        let (node, after) = after.split_once('\n').expect("a line end after the node");
        let (commands, after) = after.split_once("\n```").expect("the end of the block");
        blocks.push(Block { node: node.trim().to_owned(), text: format!("{commands}\n") });
        rest = after;
    }
    blocks
}
