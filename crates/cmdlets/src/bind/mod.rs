//! Arguments to typed parameters, by signature: as PowerShell's parameter binder does it, with its error texts.
//!
//! words → named → positional → (for each object of the pipeline: by value, by property name) → one parameter set
//! with everything that it requires.

mod convert;
mod pipeline;
mod positional;
mod sets;
mod time;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::error::{CmdletError, Position};
use crate::signatures::{Cmdlet, Parameter, common_parameters, nearest_parameter};

pub(crate) use self::time::span_text;

/// One argument with its value worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Where it stands in the script.
    pub at: Option<Position>,
    /// What it is.
    pub content: Content,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `-Name` or `-Name:value`.
    Parameter {
        /// Name without the dash.
        name: String,
        /// Value after the colon.
        value: Option<Value>,
    },
    /// A value.
    Value(Value),
}

/// Who split the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A Unix shell: everything is text; commas make lists where a list is wanted, JSON makes objects.
    Shell,
    /// The language of this crate: values have types.
    Script,
}

/// Parameters that every command takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Common {
    /// `-Verbose`
    pub verbose: bool,
    /// `-WhatIf`
    pub what_if: bool,
    /// `-Confirm`, `-Confirm:$false`
    pub confirm: Option<bool>,
    /// `-ErrorAction SilentlyContinue`, `Ignore` or `Continue`: an error does not end the script. Holds whether it
    /// is printed.
    pub go_on: Option<bool>,
    /// `-OutVariable`
    pub out_variable: Option<String>,
    /// `-Server`
    pub server: Option<String>,
    /// `-?`
    pub help: bool,
}

/// Arguments of one call, bound.
#[derive(Debug, Clone)]
pub struct Bound {
    cmdlet: &'static Cmdlet,
    style: Style,
    sets: Vec<&'static str>,
    values: Vec<(&'static Parameter, Value)>,
    /// What every command takes.
    pub common: Common,
}

/// Binds what stands in the command line. What comes by the pipeline is added by [`Bound::with_input`].
pub fn bind(cmdlet: &'static Cmdlet, words: &[Word], style: Style) -> Result<Bound, CmdletError> {
    let mut bound =
        Bound { cmdlet, style, sets: cmdlet.sets(), values: Vec::new(), common: Common::default() };
    let result = bound.bind_words(words);
    result.map(|()| bound).map_err(|error| error.of(cmdlet.name))
}

impl Bound {
    /// The command.
    pub fn cmdlet(&self) -> &'static Cmdlet {
        self.cmdlet
    }

    /// The value of a parameter, if it was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(parameter, _)| parameter.name == name).map(|(_, value)| value)
    }

    /// The text of a parameter, if one was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The items of a parameter that takes several; none when it was not given.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        }
    }

    /// Whether a switch or Boolean is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// Everything that was given, in order.
    pub fn given(&self) -> impl Iterator<Item = (&'static Parameter, &Value)> {
        self.values.iter().map(|(parameter, value)| (*parameter, value))
    }

    fn is_bound(&self, parameter: &Parameter) -> bool {
        self.values.iter().any(|(known, _)| known.name == parameter.name)
    }

    fn bind_words(&mut self, words: &[Word]) -> Result<(), CmdletError> {
        let mut positional = Vec::new();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            match &word.content {
                Content::Value(value) => positional.push((word.at, value)),
                Content::Parameter { name, value } => {
                    if name == "?" {
                        self.common.help = true;
                        continue;
                    }
                    let (parameter, common) = self.resolve(name).map_err(|error| error.at(word.at))?;
                    let value =
                        match value {
                            Some(value) => Some(value),
                            None if parameter.is_switch() => None,
                            None => words.next_if(|next| matches!(next.content, Content::Value(_))).and_then(
                                |next| match &next.content {
                                    Content::Value(value) => Some(value),
                                    Content::Parameter { .. } => None,
                                },
                            ),
                        };
                    let result = self.bind_named(parameter, common, value);
                    result.map_err(|error| error.at(word.at))?;
                }
            }
        }
        self.narrow()?;
        for (at, value) in positional {
            self.bind_positional(value).map_err(|error| error.at(at))?;
        }
        Ok(())
    }

    /// The parameter of this name, other name or unambiguous beginning, and whether every command takes it.
    fn resolve(&self, name: &str) -> Result<(&'static Parameter, bool), CmdletError> {
        let own = self.cmdlet.parameters.iter().map(|parameter| (parameter, false));
        let shared = common_parameters(self.cmdlet)
            .filter(|shared| self.cmdlet.parameter(shared.name).is_none())
            .map(|parameter| (parameter, true));
        let all: Vec<(&'static Parameter, bool)> = own.chain(shared).collect();
        if let Some(exact) = all.iter().find(|(parameter, _)| parameter.is_called(name)) {
            return Ok(*exact);
        }
        let begins = |known: &str| {
            known.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
        };
        let matching: Vec<_> = all
            .iter()
            .filter(|(parameter, _)| {
                begins(parameter.name) || parameter.aliases.iter().any(|alias| begins(alias))
            })
            .collect();
        match matching.as_slice() {
            [one] => Ok(**one),
            [] => {
                let mut message =
                    format!("A parameter cannot be found that matches parameter name '{name}'.");
                if let Some(nearest) = nearest_parameter(self.cmdlet, name) {
                    message.push_str(&format!(" Did you mean -{nearest}?"));
                }
                Err(CmdletError::new("NamedParameterNotFound", message))
            }
            several => {
                let names: Vec<String> = several.iter().map(|(one, _)| format!("-{}", one.name)).collect();
                let message = format!(
                    "Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches include: {}.",
                    names.join(" ")
                );
                Err(CmdletError::new("AmbiguousParameter", message))
            }
        }
    }

    fn bind_named(
        &mut self,
        parameter: &'static Parameter,
        common: bool,
        value: Option<&Value>,
    ) -> Result<(), CmdletError> {
        let value = match value {
            None if parameter.is_switch() => Value::Bool(true),
            None => return Err(missing_argument(parameter, self.style)),
            Some(value) if self.style == Style::Shell && is_eaten(parameter, value) => {
                return Err(missing_argument(parameter, self.style));
            }
            Some(value) => self.convert(parameter, value)?,
        };
        if common {
            return self.common.set(parameter.name, value);
        }
        if self.is_bound(parameter) {
            let message = format!(
                "Cannot bind parameter because parameter '{}' is specified more than once. To provide multiple values to parameters that can accept multiple values, use the array syntax. For example, \"-parameter value1,value2,value3\".",
                parameter.name
            );
            return Err(CmdletError::new("ParameterAlreadyBound", message));
        }
        self.values.push((parameter, value));
        Ok(())
    }
}

impl Common {
    fn set(&mut self, name: &str, value: Value) -> Result<(), CmdletError> {
        let on = value == Value::Bool(true);
        let text = value.as_str().map(str::to_owned);
        match name {
            "Verbose" => self.verbose = on,
            "WhatIf" => self.what_if = on,
            "Confirm" => self.confirm = Some(on),
            "Server" => self.server = text,
            "OutVariable" => {
                self.out_variable = text.map(|name| name.trim_start_matches('+').to_ascii_lowercase());
            }
            "ErrorAction" => {
                self.go_on = match text.as_deref() {
                    Some("SilentlyContinue" | "Ignore") => Some(false),
                    Some("Continue") => Some(true),
                    _ => None,
                }
            }
            // The others change nothing here: there are no debug and progress streams.
            _ => {}
        }
        Ok(())
    }
}

/// A Boolean whose text is empty: a Unix shell replaced `$true` by nothing.
fn is_eaten(parameter: &Parameter, value: &Value) -> bool {
    value.as_str() == Some("") && matches!(parameter.type_name, "Boolean" | "SwitchParameter")
}

fn missing_argument(parameter: &Parameter, style: Style) -> CmdletError {
    let name = parameter.name;
    let mut message = format!(
        "Missing an argument for parameter '{name}'. Specify a parameter of type '{}' and try again.",
        convert::full_type_name(parameter.type_name)
    );
    if style == Style::Shell && matches!(parameter.type_name, "Boolean" | "SwitchParameter") {
        message.push_str(&format!(
            "\nbash and other Unix shells replace $true and $false by nothing, so no value arrived. Write '-{name}:$true' in quotes, -{name}:true, or use sekisho -Command '…' or sekisho run FILE, which read PowerShell's syntax."
        ));
    }
    CmdletError::new("MissingArgument", message)
}
