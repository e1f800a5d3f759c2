#include "cnn/mdoc.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text lines are broken before this column. */
enum { WIDTH = 100 };

/* The prose so far. */
typedef struct mdoc_writer {
    cnn_text *text;
    size_t column; /* of the current line of text; 0: no line has begun */
} mdoc_writer;

/* The kinds of markup: the opening and closing character, and the macro. */
static const struct {
    char open, close;
    const char *macro;
} marks[] = {{'`', '`', "Cm"}, {'<', '>', "Ar"}, {'*', '*', "Pa"}, {'{', '}', "Sx"}};
enum { MARKS = sizeof marks / sizeof *marks };

static const char opening[] = "([", closing[] = ".,:;)]?!";

static void end_line(mdoc_writer *writer) {
    if (writer->column > 0) {
        cnn_text_append(writer->text, "\n", 1);
        writer->column = 0;
    }
}

/* Escapes characters that are special to roff. A minus is distinguished from a hyphen by the
 * characters next to it. */
static void add_escaped(cnn_text *text, const char *bytes, size_t length, bool on_macro_line) {
    for (size_t i = 0; i < length; i++) {
        char before = i > 0 ? bytes[i - 1] : ' ';
        char after = i + 1 < length ? bytes[i + 1] : ' ';
        bool minus = bytes[i] == '-' && ((before == ' ' && after == ' ') ||
                                         isdigit((unsigned char)after) || before == '^');
        const char *escape = bytes[i] == '\\'                   ? "\\e"
                             : minus                            ? "\\-"
                             : bytes[i] == '"' && on_macro_line ? "\\(dq"
                                                                : NULL;
        cnn_text_append(text, escape ? escape : &bytes[i], escape ? strlen(escape) : 1);
    }
}

/* Adds a word to a macro's line. "Ns" or "Li" would be read as a macro. */
static void add_argument(cnn_text *text, const char *word, size_t length) {
    bool like_macro = (length == 2 || length == 3) && isupper((unsigned char)word[0]) &&
                      !isupper((unsigned char)word[length - 1]);
    bool lone_mark = length == 1 && ispunct((unsigned char)word[0]);
    cnn_text_format(text, " %s", like_macro || lone_mark ? "\\&" : "");
    add_escaped(text, word, length, true);
}

static void add_arguments(cnn_text *text, const char *words, size_t length) {
    const char *end = words + length;
    while (words < end) {
        size_t word = strcspn(words, " ");
        word = word < (size_t)(end - words) ? word : (size_t)(end - words);
        add_argument(text, words, word);
        words += word;
        words += words < end && *words == ' ';
    }
}

void cnn_mdoc_words(cnn_text *text, const char *words) {
    add_arguments(text, words, strlen(words));
}

/* Adds a word of plain text. A sentence begins on a new line, as roff requires. */
static void add_word(mdoc_writer *writer, const char *word, size_t length, bool new_sentence) {
    if (writer->column > 0 && (new_sentence || writer->column + 1 + length > WIDTH)) {
        end_line(writer);
    }
    if (writer->column > 0) {
        cnn_text_append(writer->text, " ", 1);
    } else if (*word == '.' || *word == '\'') {
        cnn_text_append(writer->text, "\\&", 2);
    }
    add_escaped(writer->text, word, length, false);
    writer->column += 1 + length;
}

/* Adds a macro's line: opening punctuation, the macro and its words, closing punctuation. */
static void add_macro(mdoc_writer *writer, const char *macro, const char *before,
                      size_t before_length, const char *content, size_t length, const char *after,
                      size_t after_length) {
    cnn_text *text = writer->text;
    end_line(writer);
    cnn_text_format(text, ".%s", macro);
    for (size_t i = 0; i < before_length; i++) {
        cnn_text_format(text, " %c", before[i]);
    }
    add_arguments(text, content, length);
    size_t glued = 0;
    while (glued < after_length && !strchr(closing, after[glued])) {
        glued++;
    }
    if (glued > 0) {
        cnn_text_format(text, " Ns %.*s", (int)glued, after);
    }
    for (size_t i = glued; i < after_length; i++) {
        cnn_text_format(text, " %c", after[i]);
    }
    cnn_text_append(text, "\n", 1);
}

/* Adds the markup that starts at `word`, after opening punctuation. False if there is none.
 * *length: that of the whole word, up to the next space outside of the marks. */
static bool add_marked(mdoc_writer *writer, const char *word, size_t *length) {
    size_t before = strspn(word, opening);
    const char *mark = word + before;
    for (int i = 0; i < MARKS; i++) {
        const char *end = *mark == marks[i].open ? strchr(mark + 1, marks[i].close) : NULL;
        if (!end || mark[1] == ' ' || (*mark == '<' && !isalpha((unsigned char)mark[1]))) {
            continue;
        }
        size_t after = strcspn(end + 1, " \n");
        const char *macro = marks[i].macro;
        const char *content = mark + 1;
        if (i == 0 && content[0] == '-' &&
            isalpha((unsigned char)content[1 + (content[1] == '-')])) {
            macro = "Fl"; /* this macro writes the first hyphen itself */
            content++;
        }
        add_macro(writer, macro, word, before, content, (size_t)(end - content), end + 1, after);
        *length = (size_t)(end + 1 + after - word);
        return true;
    }
    return false;
}

/* Adds "$CNN_ISA" or "cnnpredict(1)", which need no marks. False if the word is neither. */
static bool add_reference(mdoc_writer *writer, const char *word, size_t length) {
    size_t before = strspn(word, opening);
    const char *name = word + before;
    const char *end = word + length;
    if (*name == '$') {
        size_t size = strspn(name + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        const char *after = name + 1 + size;
        add_macro(writer, "Ev", word, before, name + 1, size, after, (size_t)(end - after));
        return true;
    }
    const char *bracket = memchr(name, '(', (size_t)(end - name));
    if (bracket && bracket > name && end - bracket >= 3 && isdigit((unsigned char)bracket[1]) &&
        bracket[2] == ')') {
        char page[48];
        int size = snprintf(page, sizeof page, "%.*s %c", (int)(bracket - name), name, bracket[1]);
        add_macro(writer, "Xr", word, before, page, (size_t)size, bracket + 3,
                  (size_t)(end - bracket - 3));
        return true;
    }
    return false;
}

void cnn_mdoc_prose(cnn_text *text, const char *prose) {
    mdoc_writer writer = {.text = text};
    bool sentence_ended = false;
    while (*prose) {
        size_t spaces = strspn(prose, " \n");
        if (memchr(prose, '\n', spaces)) {
            end_line(&writer);
            cnn_text_format(text, ".Pp\n");
        }
        prose += spaces;
        size_t length = strcspn(prose, " \n");
        if (length > 0 && !add_marked(&writer, prose, &length) &&
            !add_reference(&writer, prose, length)) {
            add_word(&writer, prose, length,
                     sentence_ended && (isupper((unsigned char)*prose) || *prose == '"'));
        }
        prose += length;
        sentence_ended = length > 0 && strchr(".?!", prose[-1]) != NULL;
    }
    end_line(&writer);
}

void cnn_mdoc_sentence(cnn_text *text, const char *words) {
    size_t length = strlen(words);
    cnn_text sentence = {0};
    cnn_text_format(&sentence, "%c%s%s", toupper((unsigned char)*words), words + 1,
                    length > 0 && words[length - 1] == '.' ? "" : ".");
    if (sentence.failed) {
        text->failed = true;
    } else {
        cnn_mdoc_prose(text, sentence.data);
    }
    cnn_text_free(&sentence);
}
