# SPDX-License-Identifier: BSD-2-Clause
"""GRUB ISO images: Caisson with its modules, or a Linux kernel alone (what we compare ourselves with).

The modules' convention: the first word of a module's command line is its name, the rest its default arguments.  The
first module is the control domain, by the name `control`.  Every other is an image that a domain can be made from;
one whose first word is `initrd=NAME` belongs to the image NAME: its initrd, or its module if NAME is a multiboot kernel.
"""
import os
import shutil
import subprocess
import tempfile

PLATFORMS = {"bios": "/usr/lib/grub/i386-pc", "efi": "/usr/lib/grub/x86_64-efi"}
MODULES = ["normal", "multiboot", "multiboot2", "linux", "iso9660", "part_msdos", "part_gpt", "fat", "udf", "search",
           "search_fs_file", "search_fs_uuid", "test", "echo", "iorw", "configfile", "ls", "cat", "reboot", "halt",
           "lsmmap", "minicmd", "all_video"]


class ImageError(Exception):
    """what was asked for cannot be an image"""


class Image:
    """NAME=FILE[,initrd=FILE][,args=…]; args= takes the rest of the string, commas included"""

    def __init__(self, name, path, initrd=None, args=""):
        self.name, self.path, self.initrd, self.args = name, path, initrd, args

    @classmethod
    def parse(cls, text):
        head, mark, args = text.partition(",args=")
        if not mark:
            args = ""
        name, equals, rest = head.partition("=")
        parts = rest.split(",")
        image = cls(name, parts[0], None, args)
        if not equals or not name or not parts[0]:
            raise ImageError("an image is NAME=FILE[,initrd=FILE][,args=...], not '%s'" % text)
        if name == "control" or any(c.isspace() or c in "=,'\"\\" for c in name):
            raise ImageError("an image cannot have the name '%s'" % name)
        for part in parts[1:]:
            key, _, value = part.partition("=")
            if key != "initrd" or not value or image.initrd:
                raise ImageError("image %s: '%s' is not initrd=FILE (and args= comes last)" % (name, part))
            image.initrd = value
        return image

    def files(self):
        return [self.path] + ([self.initrd] if self.initrd else [])


def quote(words):
    """one argument string as GRUB's script has to see it, so that it arrives word for word"""
    return " ".join("'" + w.replace("'", "'\\''") + "'" for w in words.split())


def put(tree, path, name):
    """the file goes into the ISO's tree (a link where the file system can: the ISO has the bytes anyway)"""
    if not os.path.isfile(path):
        raise ImageError("there is no file %s" % path)
    target = os.path.join(tree, "boot", name)
    try:
        os.link(os.path.realpath(path), target)
    except OSError:
        shutil.copyfile(path, target)
    return "/boot/" + name


def make(out, commands, files, platforms=("bios", "efi"), grub=""):
    """write the ISO `out` whose GRUB runs `commands` and then boots; files: {name in /boot: path}"""
    missing = [p for p in platforms if not os.path.isdir(PLATFORMS[p])]
    if missing:
        raise ImageError("GRUB's files for %s are not installed (scripts/setup)" % " and ".join(missing))
    out = os.path.abspath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    tree = tempfile.mkdtemp(prefix="caisson-iso-", dir=os.path.dirname(out))
    try:
        os.makedirs(tree + "/boot/grub")
        for name, path in files.items():
            put(tree, path, name)
        with open(tree + "/boot/grub/grub.cfg", "w") as cfg:
            cfg.write("set timeout=0\nset default=0\nmenuentry 'Caisson' {\n")
            cfg.write("".join("\t%s\n" % c for c in commands) + "}\n")
        return rescue(out, tree, platforms, grub)
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def rescue(out, tree, platforms=("bios", "efi"), grub=""):
    """the ISO `out` of a tree that has its boot/grub/grub.cfg.  grub: the root of another GRUB than the one
    installed here, which can make an ISO for one platform only"""
    command = [grub + "/usr/bin/grub-mkrescue", "-o", out + ".new", "--fonts=", "--locales=", "--themes=", "--compress=no",
               "--install-modules=" + " ".join(MODULES)]
    if len(platforms) == 1:
        command.append("--directory=" + grub + PLATFORMS[platforms[0]])
    for attempt in range(3):                # xorriso now and then fails for no reason that it tells
        if os.path.exists(out + ".new"):
            os.remove(out + ".new")
        done = subprocess.run(command + [tree], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode == 0 and os.path.exists(out + ".new"):
            os.replace(out + ".new", out)
            return out
    raise ImageError("grub-mkrescue failed:\n" + "\n".join(done.stdout.splitlines()[-10:]))


# A write to COM1's scratch register: nothing sees it but a log of the port, where it marks GRUB's hand-off.
MARK = "outb 0x3ff 0x%02x"
HANDOFF = 0x47


def caisson(out, hypervisor, control, images=(), hv_args="", platforms=("bios", "efi"), mark=False, video=False,
            grub=""):
    """the hypervisor, the control domain, and the images; video: on a screen of pixels; grub: see rescue()"""
    names = [i.name for i in images]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ImageError("two images by the name %s" % ", ".join(twice))
    files = {"caisson.elf": hypervisor, "control.elf": control}
    commands = [("multiboot2 /boot/caisson.elf " + quote(hv_args)).rstrip(), "module2 --nounzip /boot/control.elf control"]
    if video:
        commands.insert(0, "insmod all_video")
    else:                       # the hypervisor's header asks for a screen; text mode costs nothing (and by UEFI there is none)
        commands.append("set gfxpayload=text")
    for n, image in enumerate(images):
        files["image%d" % n] = image.path
        commands.append("module2 --nounzip /boot/image%d %s" % (n, quote(image.name + " " + image.args)))
        if image.initrd:
            files["initrd%d" % n] = image.initrd
            commands.append("module2 --nounzip /boot/initrd%d %s" % (n, quote("initrd=" + image.name)))
    if mark:
        commands.append(MARK % HANDOFF)
    return make(out, commands, files, platforms, grub)


def linux(out, kernel, initrd, args, platforms=("bios", "efi"), mark=False):
    """a Linux kernel on the bare machine"""
    commands = ["linux /boot/vmlinuz " + quote(args), "initrd /boot/initrd"]
    if mark:
        commands.append(MARK % HANDOFF)
    return make(out, commands, {"vmlinuz": kernel, "initrd": initrd}, platforms)
