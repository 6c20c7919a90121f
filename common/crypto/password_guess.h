/* password_guess: how soon a password is guessed. The only module that knows zxcvbn. */
#ifndef COMMON_PASSWORD_GUESS_H
#define COMMON_PASSWORD_GUESS_H

/* As many guesses as 2 to the power of this, by zxcvbn's estimate: common passwords, words, names, dates, keyboard
 * walks and repetitions first, and `words` (ends with NULL) before all others. Of text that none of them is, bytes
 * count. Takes 0.3 to 1.5 ms of a core for 72 bytes; more than PASSWORD_BYTES_MAX bytes are not looked at. */
double password_guess_bits(const char *password, const char *const *words);

#endif
