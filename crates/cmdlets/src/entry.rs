//! How the program runs commands: words of a Unix shell, a text, a file, a prompt. Each gives the exit code.

use std::io::Read;

use serde_json::Value;

use crate::bind::{Style, bind};
use crate::error::CmdletError;
use crate::language::{MAX_SCRIPT, parse, words_of_arguments};
use crate::run::files::text_of;
use crate::run::{Environment, Interpreter, known};
use crate::signatures::find_cmdlet;

/// Most bytes of objects that are read from standard input.
const MAX_INPUT: u64 = 64 << 20;

/// Whether a word is the name of a command: one of the list, or any `Verb-Noun`, so that a misspelt one is told the
/// nearest.
pub fn is_command_name(word: &str) -> bool {
    let verb_noun = word.split_once('-').is_some_and(|(verb, noun)| {
        let capital = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
        capital(verb) && verb.chars().all(|c| c.is_ascii_alphabetic()) && capital(noun)
    });
    verb_noun || find_cmdlet(word).is_some_and(|cmdlet| cmdlet.name.eq_ignore_ascii_case(word))
}

/// Runs one command: its name, then its arguments. Objects are read from `standard_input`, as JSON one after the
/// other, only when the command can't do without: a caller's open pipe must not make a command wait.
pub fn run_argv(words: &[String], environment: Environment<'_>, standard_input: Option<&mut dyn Read>) -> u8 {
    let mut interpreter = Interpreter::new(environment, Style::Shell);
    let result = match words.split_first() {
        None => Err(CmdletError::new("CommandNotFoundException", "Name a command; Get-Command lists them.")),
        Some((name, arguments)) => run_command(&mut interpreter, name, arguments, standard_input),
    };
    finished(&mut interpreter, result)
}

fn run_command(
    interpreter: &mut Interpreter<'_>,
    name: &str,
    arguments: &[String],
    standard_input: Option<&mut dyn Read>,
) -> Result<(), CmdletError> {
    let words = words_of_arguments(arguments);
    let known = known(name)?;
    let bound = bind(known.cmdlet, &words, Style::Shell)?;
    let lacks = bound.takes_input() && bound.clone().complete(known.binding.optional()).is_err();
    let wants = known.binding.gathers && bound.get("InputObject").is_none();
    let input = match standard_input {
        Some(stream) if (lacks || wants) && !bound.common.help => Some(objects(stream)?),
        _ => None,
    };
    // Nothing in the pipe is told as the missing parameter, not passed over in silence.
    let input = input.filter(|objects| wants || !objects.is_empty());
    interpreter.run_words(name, &words, input)
}

/// JSON values, one after the other; lists are taken apart.
fn objects(stream: &mut dyn Read) -> Result<Vec<Value>, CmdletError> {
    let error = |reason: String| {
        CmdletError::new(
            "InvalidInput",
            format!(
                "Standard input holds no objects: {reason}. Expected JSON, one object after the other, as the commands print it into a pipe."
            ),
        )
    };
    let mut objects = Vec::new();
    let mut bytes = Vec::new();
    stream.take(MAX_INPUT).read_to_end(&mut bytes).map_err(|cause| error(cause.to_string()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length >= MAX_INPUT) {
        return Err(error(format!("it is larger than {MAX_INPUT} bytes")));
    }
    for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
        match value.map_err(|cause| error(cause.to_string()))? {
            Value::Array(items) => objects.extend(items),
            one => objects.push(one),
        }
    }
    Ok(objects)
}

/// Runs a text in PowerShell's syntax: `sekisho -Command '…'`.
pub fn run_command_text(text: &str, environment: Environment<'_>) -> u8 {
    let mut interpreter = Interpreter::new(environment, Style::Script);
    let result = parse(text).and_then(|script| interpreter.run(&script, None));
    finished(&mut interpreter, result)
}

/// Runs a file in PowerShell's syntax: `sekisho run FILE`. Nothing of it is run when it can't be read to its end.
pub fn run_file(path: &str, environment: Environment<'_>) -> u8 {
    let mut interpreter = Interpreter::new(environment, Style::Script);
    let result =
        text_of(path).and_then(|text| parse(&text)).and_then(|script| interpreter.run(&script, None));
    finished(&mut interpreter, result)
}

/// A prompt: reads lines until `exit` or the end. A command that is not complete goes on in the next line; an error
/// ends the command, not the prompt. Variables stay.
pub fn shell(environment: Environment<'_>) -> u8 {
    let mut interpreter = Interpreter::new(environment, Style::Script);
    let mut text = String::new();
    loop {
        let prompt = if text.is_empty() { "sekisho> " } else { ">> " };
        let Some(line) = interpreter.environment().console.ask(prompt) else { return 0 };
        let line = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() && matches!(line.trim().to_ascii_lowercase().as_str(), "exit" | "quit") {
            return 0;
        }
        let goes_on = !line.is_empty() && text.len().saturating_add(line.len()) < MAX_SCRIPT;
        text.push_str(line);
        let result = match parse(&text) {
            Err(error) if error.id == crate::language::INCOMPLETE && goes_on => {
                text.push('\n');
                continue;
            }
            parsed => parsed.and_then(|script| interpreter.run(&script, None)),
        };
        text.clear();
        finished(&mut interpreter, result);
    }
}

fn finished(interpreter: &mut Interpreter<'_>, result: Result<(), CmdletError>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            interpreter.environment().console.message(&error.to_string());
            1
        }
    }
}
