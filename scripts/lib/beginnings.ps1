<#
A download of install.ps1 that was cut off has no effect, wherever it was cut: of all its beginnings only the whole
file runs a command. PowerShell's own parser is asked; nothing of the file runs. ci.yml starts this on Windows:

  powershell -File scripts/lib/beginnings.ps1
#>
$ErrorActionPreference = 'Stop'
$file = Join-Path (Split-Path $PSScriptRoot) 'install.ps1'
$text = [IO.File]::ReadAllText($file)
$acts = {
    $args[0] -is [Management.Automation.Language.CommandAst] -or
    $args[0] -is [Management.Automation.Language.InvokeMemberExpressionAst]
}
for ($length = 0; $length -le $text.Length; $length++) {
    $errors = $null
    $start = $text.Substring(0, $length)
    $tree = [Management.Automation.Language.Parser]::ParseInput($start, [ref] $null, [ref] $errors)
    $does = $errors.Count -eq 0 -and $null -ne $tree.Find($acts, $true)
    if ($does -ne ($length -eq $text.Length)) { throw "The first $length characters do something, or all do not." }
}
"$($text.Length) beginnings of install.ps1 do nothing."
