//! What code, commands and edits in the container bring.

use super::ToolErrorCode;
use crate::CacheControl;

object! {
    /// What running code brought.
    CodeExecution "code_execution_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// Output, or a failure.
        content: CodeExecutionContent,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// The output of code, or why there is none.
    CodeExecutionContent {
        /// Output.
        Result(CodeExecutionResult),
        /// Output that only the server can read.
        Encrypted(EncryptedCodeExecutionResult),
        /// The code could not be run.
        Error(CodeExecutionError),
    }
}

object! {
    /// The output of code.
    CodeExecutionResult "code_execution_result" {
        /// Its standard output.
        stdout: String,
        /// Its standard error.
        stderr: String,
        /// 0 for success.
        return_code: i64,
        /// Files that it made.
        content: Vec<ExecutionOutput>,
    } {} [] ()
}

object! {
    /// The output of code; what it printed is for the server alone.
    EncryptedCodeExecutionResult "encrypted_code_execution_result" {
        /// Its standard output, encrypted.
        encrypted_stdout: String,
        /// Its standard error.
        stderr: String,
        /// 0 for success.
        return_code: i64,
        /// Files that it made.
        content: Vec<ExecutionOutput>,
    } {} [] ()
}

object! {
    /// Code could not be run.
    CodeExecutionError "code_execution_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {} [] ()
}

object! {
    /// A file that code or a command made; its `type` is `code_execution_output` or
    /// `bash_code_execution_output`.
    ExecutionOutput {
        /// The type on the wire.
        kind as "type": String,
        /// The file's id.
        file_id: String,
    } {} [] ()
}

object! {
    /// What running a shell command brought.
    BashExecution "bash_code_execution_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// Output, or a failure.
        content: BashExecutionContent,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// The output of a shell command, or why there is none.
    BashExecutionContent {
        /// Output.
        Result(BashExecutionResult),
        /// The command could not be run.
        Error(BashExecutionError),
    }
}

object! {
    /// The output of a shell command.
    BashExecutionResult "bash_code_execution_result" {
        /// Its standard output.
        stdout: String,
        /// Its standard error.
        stderr: String,
        /// 0 for success.
        return_code: i64,
        /// Files that it made.
        content: Vec<ExecutionOutput>,
    } {} [] ()
}

object! {
    /// A shell command could not be run.
    BashExecutionError "bash_code_execution_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {} [] ()
}

object! {
    /// What viewing or editing a file in the container brought.
    TextEditorExecution "text_editor_code_execution_tool_result" {
        /// The id of the call.
        tool_use_id: String,
        /// What happened, or a failure.
        content: TextEditorExecutionContent,
    } {
        /// Ends a prefix to cache.
        cache_control: CacheControl,
    } [] ()
}

tagged! {
    /// What happened to a file, or why nothing did.
    TextEditorExecutionContent {
        /// It was read.
        Viewed(FileViewed),
        /// It was written.
        Created(FileCreated),
        /// A part of it was replaced.
        Replaced(FileReplaced),
        /// Nothing could be done.
        Error(TextEditorExecutionError),
    }
}

object! {
    /// A file was read.
    FileViewed "text_editor_code_execution_view_result" {
        /// What stands in it.
        content: String,
        /// `text`, `image` or `pdf`.
        file_type: String,
    } {} [
        /// How many lines are shown.
        num_lines: u64,
        /// The first of them, from 1.
        start_line: u64,
        /// How many lines there are.
        total_lines: u64,
    ] ()
}

object! {
    /// A file was written.
    FileCreated "text_editor_code_execution_create_result" {} {} [] (
        /// It was there before.
        is_file_update,
    )
}

object! {
    /// A part of a file was replaced.
    FileReplaced "text_editor_code_execution_str_replace_result" {} {
        /// The change, as a diff.
        lines: Vec<String>,
    } [
        /// How many lines there are now.
        new_lines: u64,
        /// Where they begin, from 1.
        new_start: u64,
        /// How many lines there were.
        old_lines: u64,
        /// Where they began, from 1.
        old_start: u64,
    ] ()
}

object! {
    /// A file could not be viewed or edited.
    TextEditorExecutionError "text_editor_code_execution_tool_result_error" {
        /// Why.
        error_code: ToolErrorCode,
    } {
        /// In words.
        error_message: String,
    } [] ()
}
