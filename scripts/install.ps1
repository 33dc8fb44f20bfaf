<#
Installs gonkagate-setup on native Windows, and starts it. Windows PowerShell 5.1 and PowerShell 7:

  irm https://github.com/GonkaGate/gonkagate-setup/releases/latest/download/install.ps1 | iex
  & ([scriptblock]::Create((irm https://github.com/.../install.ps1))) -NoRun
  & ([scriptblock]::Create((irm https://github.com/.../install.ps1))) --scope user

It installs one program into %LOCALAPPDATA%\Programs\gonkagate-setup, after checking its SHA-256, and changes nothing
else. Everything is inside one block, which PowerShell reads to its end before it runs any of it, and the
block's brace is the last byte: a download that was cut off has no effect.

  -Dir DIR       where to install it
  -Version X     this release instead of the newest
  -Pyz           the .pyz, which needs Python 3.9 or newer
  -NoRun         install only
  -Uninstall     remove what this script installed
  Anything else is passed to gonkagate-setup, for example: --scope user
#>
$GonkaGateSetupWords = $args
& {
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'

    $Program = 'gonkagate-setup'
    $Releases = 'https://github.com/GonkaGate/gonkagate-setup/releases'
    if ($env:GONKAGATE_SETUP_RELEASES) { $Releases = $env:GONKAGATE_SETUP_RELEASES }

    function Read-Options([object[]] $Words) {
        $options = @{ Dir = ''; Version = ''; Pyz = $false; NoRun = $false; Uninstall = $false; Rest = @() }
        for ($index = 0; $index -lt $Words.Count; $index++) {
            $word = [string] $Words[$index]
            switch -Regex ($word) {
                '^-(Dir|Version)$' {
                    if ($index + 1 -ge $Words.Count) { throw "$word needs a value." }
                    $index++
                    $options[$word.Substring(1)] = [string] $Words[$index]
                    break
                }
                '^-(Pyz|NoRun|Uninstall)$' { $options[$word.Substring(1)] = $true; break }
                default { $options.Rest += $word }
            }
        }
        return $options
    }

    function Get-Source([string] $Version) {
        if ($Releases -notmatch '^https://|^http://(127\.0\.0\.1|localhost):') {
            throw 'GONKAGATE_SETUP_RELEASES must start with https://.'
        }
        $Version = $Version -replace '^v', ''
        if ($Version -notmatch '^[0-9A-Za-z.+-]*$') { throw "$Version is not a version." }
        if ($Version) { return "$Releases/download/v$Version" }
        return "$Releases/latest/download"
    }

    # Redirects are followed here, because Windows PowerShell 5.1 also follows one from https to http.
    function Open-Url([Uri] $Address) {
        for ($hop = 0; $hop -lt 10; $hop++) {
            $here = $Releases -match '^http://' -and $Address.Scheme -eq 'http' -and $Address.IsLoopback
            if ($Address.Scheme -ne 'https' -and -not $here) { throw "it leads to $Address, which is not https." }
            $request = [Net.WebRequest]::CreateHttp($Address)
            $request.AllowAutoRedirect = $false
            $request.UserAgent = $Program
            $response = $request.GetResponse()
            if ([int] $response.StatusCode -lt 300) { return $response }
            $next = [string] $response.Headers['Location']
            $response.Close()
            $Address = New-Object Uri $Address, $next
        }
        throw 'it leads in circles.'
    }

    function Save-Url([string] $Url, [string] $Path) {
        try {
            $response = Open-Url $Url
            try {
                $file = [IO.File]::Create($Path)
                try { $response.GetResponseStream().CopyTo($file) } finally { $file.Close() }
            } finally {
                $response.Close()
            }
        } catch {
            throw "Could not download ${Url}: $($_.Exception.Message)"
        }
    }

    function Get-Sha256([string] $Path) {
        return (Get-FileHash -Algorithm SHA256 -LiteralPath $Path).Hash.ToLowerInvariant()
    }

    # The one checksum that the list has for the asset.
    function Find-Checksum([string] $List, [string] $Asset) {
        $lines = @(Get-Content -LiteralPath $List | Where-Object { ($_ -split '\s+\*?')[1] -eq $Asset })
        if ($lines.Count -eq 0) { throw "SHA256SUMS of this release does not name $Asset." }
        if ($lines.Count -gt 1) { throw "SHA256SUMS of this release names $Asset twice." }
        if ($lines[0] -cnotmatch '^([0-9a-f]{64}) [ *]\S+$') {
            throw "SHA256SUMS of this release has a malformed line for $Asset."
        }
        return $Matches[1]
    }

    function Save-Asset([string] $Source, [string] $Work, [string] $Asset, [string] $Name) {
        $expected = Find-Checksum (Join-Path $Work 'SHA256SUMS') $Asset
        $path = Join-Path $Work $Name
        Save-Url "$Source/$Asset" $path
        $actual = Get-Sha256 $path
        if ($actual -ne $expected) {
            throw "$Source/$Asset does not match its checksum ($actual instead of $expected)."
        }
        return $path
    }

    # The command that starts a file: itself, or for the .pyz the first Python that is new enough.
    function Get-Starter([string] $Path) {
        # Windows PowerShell 5.1 turns what a program writes to standard error into an exception otherwise.
        $ErrorActionPreference = 'Continue'
        if ($Path -like '*.exe') { return , @($Path) }
        foreach ($python in @(@('py', '-3'), @('python3'), @('python'))) {
            $found = Get-Command $python[0] -CommandType Application -ErrorAction SilentlyContinue |
                Select-Object -First 1
            if (-not $found) { continue }
            $arguments = @($python | Select-Object -Skip 1)
            # The Microsoft Store's stand-in for a missing Python fails here.
            & $found.Source @arguments -c 'import sys; sys.exit(sys.version_info < (3, 9))' *> $null
            if ($LASTEXITCODE -eq 0) { return , (@($found.Source) + $arguments + @($Path)) }
        }
        throw "$Program.pyz needs Python 3.9 or newer, and there is none here; install it from python.org first."
    }

    function Invoke-Starter([string[]] $Starter, [string[]] $Words) {
        $arguments = @($Starter | Select-Object -Skip 1) + @($Words)
        & $Starter[0] @arguments
    }

    function Test-Program([string] $Path, [string] $Version) {
        $ErrorActionPreference = 'Continue'
        try {
            $said = Invoke-Starter (Get-Starter $Path) @('--version') 2> $null
        } catch {
            return $false
        }
        $Version = $Version -replace '^v', ''
        return $LASTEXITCODE -eq 0 -and "$said ".StartsWith("$Program $(if ($Version) { "$Version " })")
    }

    # Whether the file is one that this script put there, unchanged since.
    function Test-Ours([string] $Path, [string] $Receipt) {
        if (-not (Test-Path -LiteralPath $Receipt -PathType Leaf)) { return $false }
        if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) { return $false }
        return @(Read-Receipt $Receipt) -contains (Get-Sha256 $Path)
    }

    # One line per checksum of our files, and "made FOLDER" per folder that was made for it, outermost first.
    function Read-Receipt([string] $Receipt) {
        if ([IO.File]::Exists($Receipt)) { return [IO.File]::ReadAllLines($Receipt) }
        return @()
    }

    function Get-Missing([string] $Dir) {
        $missing = @()
        while ($Dir -and -not (Test-Path -LiteralPath $Dir)) {
            $missing = @($Dir) + $missing
            $Dir = Split-Path -Parent $Dir
        }
        return $missing
    }

    # Remove what is empty, innermost first; Remove-Item would ask about a folder that is not.
    function Remove-Empty([string[]] $Folders) {
        $Folders = @($Folders | Where-Object { $_ })
        [array]::Reverse($Folders)
        foreach ($folder in $Folders) {
            try { [IO.Directory]::Delete($folder) } catch { return }
        }
    }

    function Get-Targets([string] $Dir) {
        return @((Join-Path $Dir "$Program.exe"), (Join-Path $Dir "$Program.pyz"))
    }

    function Uninstall-Program([string] $Dir, [string] $Receipt) {
        $there = @(Get-Targets $Dir | Where-Object { Test-Path -LiteralPath $_ })
        foreach ($target in $there) {
            if (-not (Test-Ours $target $Receipt)) {
                throw "$target was not installed by this script, or was changed since; it is kept."
            }
        }
        if ($there.Count -eq 0) { Write-Host "${Program}: there is nothing to remove in $Dir" }
        foreach ($target in $there) {
            Remove-Item -LiteralPath $target
            Write-Host "${Program}: removed $target; what it set up for opencode is kept"
        }
        $made = @(Read-Receipt $Receipt | Where-Object { $_ -like 'made *' } | ForEach-Object { $_.Substring(5) })
        if ([IO.File]::Exists($Receipt)) { [IO.File]::Delete($Receipt) }
        Remove-Empty $made
    }

    function Install-Program([string] $Dir, [string] $Receipt, [string] $Version, [bool] $Pyz) {
        foreach ($target in Get-Targets $Dir) {
            if ((Test-Path -LiteralPath $target) -and -not (Test-Ours $target $Receipt)) {
                throw "$target already exists, and this script did not install it (or it was changed since). " +
                    'Move it away, or choose another folder with -Dir.'
            }
        }
        $source = Get-Source $Version
        $made = @(Get-Missing $Dir)
        $former = @(Read-Receipt $Receipt)
        $done = $false
        $work = Join-Path $Dir ".$Program-install.$([guid]::NewGuid().ToString('N'))"
        try {
            New-Item -ItemType Directory -Path $work -Force | Out-Null
            Save-Url "$source/SHA256SUMS" (Join-Path $work 'SHA256SUMS')
            $architecture = $env:PROCESSOR_ARCHITEW6432
            if (-not $architecture) { $architecture = $env:PROCESSOR_ARCHITECTURE }
            $fetched = $null
            # Windows on Arm runs x86_64 programs.
            if (-not $Pyz -and @('AMD64', 'ARM64') -contains $architecture) {
                $fetched = Save-Asset $source $work "$Program-windows-x86_64.exe" "$Program.exe"
                if (-not (Test-Program $fetched $Version)) {
                    Write-Host "${Program}: the native binary does not run here; using the .pyz"
                    $fetched = $null
                }
            }
            if (-not $fetched) {
                $fetched = Save-Asset $source $work "$Program.pyz" "$Program.pyz"
                Get-Starter $fetched | Out-Null
                if (-not (Test-Program $fetched $Version)) { throw 'The .pyz does not run here.' }
            }
            $target = Join-Path $Dir (Split-Path -Leaf $fetched)
            # The receipt lists the new file before it is written, so after an interruption the file is known.
            $lines = @($former | Where-Object { $_ -like 'made *' }) + @($made | ForEach-Object { "made $_" })
            $lines += @(Get-Targets $Dir | Where-Object { [IO.File]::Exists($_) } | ForEach-Object { Get-Sha256 $_ })
            [IO.File]::WriteAllLines($Receipt, [string[]] ($lines + @(Get-Sha256 $fetched)))
            if ([IO.File]::Exists($target)) {
                [IO.File]::Replace($fetched, $target, [NullString]::Value)
            } else {
                [IO.File]::Move($fetched, $target)
            }
            $done = $true
        } finally {
            Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
            if (-not $done) {
                if ($former.Count -gt 0) {
                    [IO.File]::WriteAllLines($Receipt, [string[]] $former)
                } elseif ([IO.File]::Exists($Receipt)) {
                    [IO.File]::Delete($Receipt)
                }
                Remove-Empty $made
            }
        }
        # Only now the other kind is removed, if it exists.
        Get-Targets $Dir | Where-Object { (Test-Path -LiteralPath $_) -and $_ -ne $target } |
            Remove-Item -ErrorAction SilentlyContinue
        return $target
    }

    # Windows PowerShell 5.1 offers older protocols first.
    [Net.ServicePointManager]::SecurityProtocol =
        [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    $options = Read-Options $GonkaGateSetupWords
    $dir = $options.Dir
    if (-not $dir) { $dir = Join-Path $env:LOCALAPPDATA "Programs\$Program" }
    $dir = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($dir)
    $receipt = Join-Path $dir ".$Program.installed"
    if ($options.Uninstall) {
        Uninstall-Program $dir $receipt
        return
    }
    try {
        $target = Install-Program $dir $receipt $options.Version $options.Pyz
    } catch {
        throw "${Program}: $($_.Exception.Message) Nothing was installed."
    }
    Write-Host "${Program}: installed $target"
    if (@($env:PATH -split ';') -notcontains $dir) {
        Write-Host "${Program}: $dir is not on your PATH; to start it by name: `$env:PATH = `"$dir;`$env:PATH`""
    }
    if (-not $options.NoRun) {
        Invoke-Starter (Get-Starter $target) $options.Rest
    }
}