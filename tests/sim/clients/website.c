/* What was there when, and how it changes. The tree and the routes are in tree.c. */
#include "website.h"

#include "content.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>

/* A file that was left alone for a minute is sent with sendfile(2), and a write into it can hit bytes that
 * are on their way already (docs/architecture.md, "One version under one tag"): only young ones are written
 * over. */
#define YOUNG_NS INT64_C(50000000000)

#define UNUSED_US (5 * SIM_S)

#define APPENDED_BYTES_MAX 3000000

#define CHANGE_INTERVAL_US_MAX (5 * SIM_S)

const char *const form_suffixes[FORM_COUNT] = {"", ".gz", ".zst", ".br"};
const char *const form_codings[FORM_COUNT] = {"", "gzip", "zstd", "br"};

struct version *form_now(struct form *form)
{
    if (form->count == 0 || form->versions[form->count - 1].until_us != WEBSITE_NEVER)
        return NULL;
    return &form->versions[form->count - 1];
}

static struct version *form_last(struct form *form)
{
    return &form->versions[form->count - 1];
}

bool form_was_absent(const struct form *form, uint64_t from_us, uint64_t until_us)
{
    uint64_t covered_us = from_us;
    for (size_t i = 0; i < form->count; i++) {
        const struct version *version = &form->versions[i];
        if (version->until_us < from_us)
            continue;
        if (version->from_us > covered_us)
            return true;
        covered_us = version->until_us;
        if (covered_us > until_us)
            return false;
    }
    return true;
}

static void end_version(struct form *form)
{
    if (form_now(form))
        form->versions[form->count - 1].until_us = sim_now_us();
}

/* Notes a version and returns its bytes, which are the caller's to free. */
static char *begin_version(struct site_file *file, enum form_kind kind, uint64_t size, int64_t modified_ns)
{
    struct form *form = &file->forms[kind];
    assert(form->count < WEBSITE_VERSIONS_MAX);
    end_version(form);
    struct version *version = &form->versions[form->count++];
    *version = (struct version){
        .key = content_key(slice_from(file->path), form->count, slice_from(form_codings[kind])),
        .size = size,
        .modified_ns = modified_ns,
        .changed_us = sim_now_us(),
        .from_us = sim_now_us(),
        .until_us = WEBSITE_NEVER,
    };
    char *bytes = malloc(size + 1);
    assert(bytes);
    content_fill(bytes, version->key, 0, size);
    return bytes;
}

void website_put(struct site_file *file, enum form_kind kind, uint64_t size, int64_t modified_ns)
{
    char path[256];
    snprintf(path, sizeof(path), "%s%s", file->path, form_suffixes[kind]);
    char *bytes = begin_version(file, kind, size, modified_ns);
    sim_file_put(path, slice_make(bytes, size), modified_ns);
    free(bytes);
}

static void note_unseen(struct site_file *file)
{
    uint64_t now_us = sim_now_us() + 1;
    if (file->unseen_us == 0 || now_us > file->unseen_us + WEBSITE_BELIEVED_US)
        file->first_unseen_us = now_us;
    file->unseen_us = now_us;
}

/* By a name that the file got after it was looked at. */
static void write_over_unseen(struct site_file *file)
{
    uint64_t size = form_now(&file->forms[FORM_PLAIN])->size;
    char *bytes = begin_version(file, FORM_PLAIN, size, sim_wall_ns());
    sim_file_write_unseen(file->path, 0, slice_make(bytes, size));
    free(bytes);
    note_unseen(file);
}

/* Who writes may put the time back. */
static void write_over(struct site_file *file, bool keeps_time)
{
    const struct version *now = form_now(&file->forms[FORM_PLAIN]);
    uint64_t size = now->size;
    int64_t modified_ns = keeps_time ? now->modified_ns : sim_wall_ns();
    char *bytes = begin_version(file, FORM_PLAIN, size, modified_ns);
    sim_file_write(file->path, 0, slice_make(bytes, size));
    if (keeps_time)
        sim_file_date(file->path, modified_ns);
    free(bytes);
}

/* The bytes before stay what they were, and so does the key that they are made of. */
static void append(struct site_file *file, size_t length)
{
    struct version before = *form_now(&file->forms[FORM_PLAIN]);
    char *bytes = begin_version(file, FORM_PLAIN, before.size + length, sim_wall_ns());
    form_last(&file->forms[FORM_PLAIN])->key = before.key;
    content_fill(bytes, before.key, before.size, length);
    sim_file_write(file->path, before.size, slice_make(bytes, length));
    free(bytes);
}

/* A new file of the same size, and perhaps of the same time, as builds make them that set it. */
static void replace_alike(struct site_file *file, bool keeps_time)
{
    const struct version *now = form_now(&file->forms[FORM_PLAIN]);
    website_put(file, FORM_PLAIN, now->size, keeps_time ? now->modified_ns : sim_wall_ns());
}

static void vanish(struct site_file *file)
{
    end_version(&file->forms[FORM_PLAIN]);
    sim_remove(file->path);
}

static void change(struct website *website, struct site_file *file)
{
    const struct version *now = form_now(&file->forms[FORM_PLAIN]);
    bool is_young = now && now->modified_ns > sim_wall_ns() - YOUNG_NS && now->modified_ns <= sim_wall_ns();
    bool keeps_time = !sim_one_in(&website->chance, 3);
    if (now && file->change == CHANGE_VANISH && sim_one_in(&website->chance, 2)) {
        sim_trace("site: %s goes", file->path);
        vanish(file);
    } else if (now && now->size > 0 && is_young && file->change == CHANGE_WRITE) {
        bool is_unseen = sim_one_in(&website->mount_chance, 3);
        sim_trace("site: %s is written over%s", file->path, is_unseen ? ", unseen" : "");
        if (is_unseen)
            write_over_unseen(file);
        else
            write_over(file, keeps_time);
    } else if (now && file->change == CHANGE_APPEND && now->size < APPENDED_BYTES_MAX) {
        sim_trace("site: %s grows", file->path);
        append(file, sim_between(&website->chance, 1, 20000));
    } else if (now && !sim_one_in(&website->chance, 3)) {
        sim_trace("site: %s is replaced by one of its size", file->path);
        replace_alike(file, keeps_time);
    } else {
        uint64_t size = tree_size(website, &website->chance);
        sim_trace("site: %s is replaced, %llu bytes", file->path, (unsigned long long)size);
        website_put(file, FORM_PLAIN, size, sim_wall_ns());
    }
}

/* Files that are in use stay in the page cache: vif relies on it for a second, and for what it has begun to
 * send. A client may leave before the server learns of it. */
static bool may_go_cold(const struct website *website, struct site_file *file)
{
    bool is_page = file == website->areas[0].fallback || file == website->areas[0].error_page;
    return !is_page && form_now(&file->forms[FORM_PLAIN]) && file->readers == 0 &&
           sim_now_us() >= file->read_us + UNUSED_US;
}

static uint64_t change_interval(struct website *website)
{
    uint64_t longest_us = website->favourite ? CHANGE_INTERVAL_US_MAX / 10 : CHANGE_INTERVAL_US_MAX;
    return sim_size(&website->chance, longest_us);
}

/* One of the files that change, as often as there is room to remember; or one goes cold. */
static void on_change(struct sim_event *event)
{
    struct website *website = CONTAINER_OF(event, struct website, change);
    struct site_file *file = website->favourite && sim_one_in(&website->chance, 2)
                                 ? website->favourite->file
                                 : &website->files[sim_below(&website->chance, website->file_count)];
    if (sim_one_in(&website->chance, 3)) {
        if (may_go_cold(website, file))
            sim_file_chill(file->path);
    } else if (file->change != CHANGE_NEVER &&
               file->forms[FORM_PLAIN].count + website->is_mounted < WEBSITE_VERSIONS_MAX) {
        change(website, file);
    }
    sim_after(event, change_interval(website), on_change);
}

/* ---- a volume that comes late ---- */

#define VOLUME  SIM_SITE "/volume"
#define COVERED SIM_SITE "/public/deep/er"

#define MOUNT_INTERVAL_US_MAX (3 * SIM_S)

/* Mounting makes one version of each, and so does unmounting; the index may come into the volume later. */
static bool has_room(const struct site_file *file)
{
    return file->forms[FORM_PLAIN].count + 3 < WEBSITE_VERSIONS_MAX;
}

static void uncover(struct site_file *file, const struct version *covered)
{
    struct form *form = &file->forms[FORM_PLAIN];
    end_version(form);
    struct version *version = &form->versions[form->count++];
    *version = *covered;
    version->from_us = sim_now_us();
    version->until_us = WEBSITE_NEVER;
}

/* In the volume there is another page, and no index. */
static bool mount_volume(struct website *website, struct site_file *page, struct site_file *index)
{
    uint64_t size = tree_size(website, &website->mount_chance);
    website->covered[0] = *form_now(&page->forms[FORM_PLAIN]);
    website->covered[1] = *form_now(&index->forms[FORM_PLAIN]);
    char *bytes = begin_version(page, FORM_PLAIN, size, sim_wall_ns());
    end_version(&index->forms[FORM_PLAIN]);
    sim_file_put(VOLUME "/page.html", slice_make(bytes, size), 0);
    if (sim_exists(VOLUME "/index.html"))
        sim_remove(VOLUME "/index.html"); /* of the last time */
    free(bytes);
    return sim_mount(COVERED, VOLUME);
}

static bool unmount_volume(const struct website *website, struct site_file *page, struct site_file *index)
{
    uncover(page, &website->covered[0]);
    uncover(index, &website->covered[1]);
    return sim_unmount(COVERED);
}

static void on_mount(struct sim_event *event)
{
    struct website *website = CONTAINER_OF(event, struct website, mount);
    struct site_file *page = tree_find(website, "deep/er/page.html");
    struct site_file *index = tree_find(website, "deep/er/index.html");
    if (!website->is_mounted && !(has_room(page) && has_room(index)))
        return;
    if (website->is_mounted && !form_now(&index->forms[FORM_PLAIN]) &&
        sim_one_in(&website->mount_chance, 2)) {
        website_put(index, FORM_PLAIN, tree_size(website, &website->mount_chance), sim_wall_ns());
        sim_after(event, sim_size(&website->mount_chance, MOUNT_INTERVAL_US_MAX), on_mount);
        return;
    }
    bool is_told =
        website->is_mounted ? unmount_volume(website, page, index) : mount_volume(website, page, index);
    website->is_mounted = !website->is_mounted;
    if (!is_told) {
        note_unseen(page);
        note_unseen(index);
    }
    sim_after(event, sim_size(&website->mount_chance, MOUNT_INTERVAL_US_MAX), on_mount);
}

void website_start(struct website *website)
{
    website->mount_chance = sim_chance_for("mounts", 0);
    if (sim_one_in(&website->mount_chance, 3)) {
        sim_folder_make(VOLUME);
        sim_after(&website->mount, sim_size(&website->mount_chance, MOUNT_INTERVAL_US_MAX), on_mount);
    }
    if (website->is_changing)
        sim_after(&website->change, change_interval(website), on_change);
}

void website_stop(struct website *website)
{
    sim_cancel(&website->change);
    sim_cancel(&website->mount);
}
